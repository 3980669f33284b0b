// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// Breaks the kernel on purpose and sees that the suite notices: `make test-teeth`. Each tooth takes the
/// build of a kernel, so an ordinary test run leaves them out.
@Suite(.serialized) struct TeethTests {
  /// `CROSSBAR_TEETH=1` asks for the project's teeth, `CROSSBAR_TEETH=DIR` for others.
  static let request = ProcessInfo.processInfo.environment["CROSSBAR_TEETH"] ?? ""

  static let checkout = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

  /// The project's.
  static let own = checkout.appending(path: "Tests/Teeth")

  static let directory = request.contains("/") ? URL(filePath: request) : own

  @Test(.enabled(if: !request.isEmpty, "takes CROSSBAR_TEETH=1, as `make test-teeth` sets it"))
  func everyDeliberateBugIsCaughtByTheCaseThatNamesItsRule() async throws {
    let teeth = try Tooth.all(in: Self.directory)
    try #require(!teeth.isEmpty, "\(Self.directory.path) holds no patch")
    // A case that fails anyway would catch everything.
    for (place, group) in Dictionary(grouping: teeth, by: { [$0.topology, $0.suite] }) {
      let run = try await BrokenKernelRun.execute(
        topology: place[0], suite: place[1], patterns: Set(group.map(\.pattern)), patch: nil)
      #expect(run.exitCode == 0, "without a bug: \(run.summary)")
      for tooth in group {
        #expect(
          run.cases.contains { $0.matches(tooth.pattern) && $0.passed },
          "\(tooth.name): no case `\(tooth.pattern)` passes without the bug: \(run.summary)")
      }
      run.removeDirectory()
    }
    let table = ToothTable()
    table.begin()
    for tooth in teeth {
      let start = ContinuousClock.now
      try await BrokenKernelRun.build(patch: tooth.path)
      let built = ContinuousClock.now
      let run = try await BrokenKernelRun.execute(
        topology: tooth.topology, suite: tooth.suite, patterns: [tooth.pattern], patch: tooth.path)
      let caught = run.catches(tooth)
      table.add(
        tooth, run: run, caught: caught, build: built - start, time: ContinuousClock.now - built)
      #expect(
        caught, "\(tooth.name): `\(tooth.pattern)` does not catch the bug: \(run.summary)")
      if caught { run.removeDirectory() }
    }
  }
}
