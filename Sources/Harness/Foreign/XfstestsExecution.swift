// SPDX-License-Identifier: Apache-2.0

import Artifacts
import Foundation
import Hypervisor
import Topology
import Verification

/// Runs the suite `xfstests`: the user's `check` with its tests, once for each file system.
struct XfstestsExecution: Sendable {
  let request: RunRequest
  let session: GuestSession
  let log: ForeignLog
  let progress: ProgressHandler

  private static let program = "xfstests"
  private static let testDirectory = "/mnt/test"
  private static let scratchDirectory = "/mnt/scratch"

  /// What a test is called on a file system.
  static func caseName(_ test: String, _ fileSystem: FileSystem) -> String {
    "\(program).\(test).\(fileSystem.rawValue)"
  }

  /// Runs all tests, or those up to the guest's end.
  func execute() async throws -> SuiteExecution.Observation {
    let plan = try request.xfstestsPlan()
    let planned = plan.reduce(0) { $0 + $1.tests.count }
    try log.begin(cases: planned)
    var records: [CaseRecord] = []
    var interruption: String?
    let end = ContinuousClock.now + request.suiteLimit
    do {
      for (fileSystem, tests) in plan where !tests.isEmpty && interruption == nil {
        interruption = try await run(tests, on: fileSystem, until: end, planned, into: &records)
      }
    } catch let error as HypervisorError where SuiteExecution.observed.contains(error.kind) {
      // Beside `check`, as where a volume is unmounted for it.
      interruption = error.description
    }
    return SuiteExecution.Observation(
      suite: request.suite, testimony: ProgramTranscript().finish(), interruption: interruption,
      records: records)
  }

  /// Runs `check` on one file system.
  ///
  /// - Returns: why there is nothing to go on with, if there isn't.
  private func run(
    _ tests: [String], on fileSystem: FileSystem, until end: ContinuousClock.Instant,
    _ planned: Int, into records: inout [CaseRecord]
  ) async throws -> String? {
    let volumes = GuestVolume.all(of: request.topology, in: session.guest)
    var devices: [String] = []
    for volume in volumes.prefix(2) {
      try await volume.unmount()
      devices.append(try await volume.device())
    }
    let environment = [
      "FSTYP": fileSystem.rawValue, "TEST_DEV": devices[0], "TEST_DIR": Self.testDirectory,
      "SCRATCH_DEV": devices[1], "SCRATCH_MNT": Self.scratchDirectory,
      "RESULT_BASE": "/tmp/results", "TMPDIR": "/tmp", "HOME": "/root", "TERM": "dumb",
      // mkfs.xfs refuses volumes below 300 MiB but from xfstests.
      "QA_CHECK_FS": "1", "MSGVERB": "text:action",
    ]
    var transcript = CheckTranscript(tests: tests)
    var results: [CaseRecord] = []
    let first = records.count
    var last = ContinuousClock.now
    func take(_ result: CheckTranscript.Result) throws {
      var record = CaseRecord(
        number: first + results.count + 1,
        name: Self.caseName(result.test, fileSystem), volume: "", peer: "",
        operation: .foreign, expectedRoute: .none, outcome: result.outcome)
      let now = ContinuousClock.now
      record.foreign = ForeignActivity(
        program: Self.program, fileSystem: fileSystem.rawValue, seconds: (now - last) / .seconds(1))
      last = now
      try log.end(record)
      results.append(record)
      progress(
        RunProgress(
          label: "Suite \(request.suite.rawValue)",
          fraction: Double(record.number) / Double(max(planned, 1)),
          detail: "\(record.number)/\(planned) \(record.name.prefix(80))"))
    }
    let command = ["/bin/xfstests-run"] + tests
    var lastLine = ""
    try log.begin("xfstests on \(fileSystem.rawValue)", command: command)
    let ending = try await ForeignProgram(
      guest: session.guest, command: command, directory: XfstestsTree.guestPath,
      environment: environment
    ).run(limit: max(end - ContinuousClock.now, .seconds(1))) { line in
      try log.add(line)
      if !line.allSatisfy(\.isWhitespace) { lastLine = String(line.prefix(200)) }
      for result in transcript.take(line) { try take(result) }
    }
    let reason: String
    var interruption: String?
    switch ending {
    case .exited(let status): reason = "it ended with status \(status), saying `\(lastLine)`"
    case .given(let why), .guestLost(let why):
      reason = why
      interruption = why
    }
    for result in transcript.finish(reason: reason) { try take(result) }
    for index in results.indices where transcript.failures.contains(results[index].what) {
      guard results[index].outcome.kind != .failed else { continue }
      results[index].outcome = CaseOutcome(
        .failed, .program, "The program `check` counts the test as failed at its end.")
    }
    records += results
    return interruption
  }
}
