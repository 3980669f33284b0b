// SPDX-License-Identifier: Apache-2.0

import Foundation

/// A finished `crossbar run`, with or without a bug in the kernel.
struct BrokenKernelRun: Sendable {
  /// A case, as `run.json` has it.
  struct Case: Sendable {
    let name: String
    let kind: String
    let failure: String?

    var passed: Bool { kind == "verified" || kind == "refusedFellBack" }

    func matches(_ pattern: String) -> Bool { fnmatch(pattern, name, 0) == 0 }
  }

  /// A program that did not do what the test needs.
  struct Failed: Error, CustomStringConvertible {
    let description: String
  }

  /// What ends a case without saying anything about its rule.
  private static let accidents: Set = ["incomplete", "protocol violation"]

  let exitCode: Int32
  let cases: [Case]
  /// Why the suite did not come to its end.
  let interruption: String?
  let directory: URL
  private let errors: String

  /// The cases that failed.
  var failed: [Case] { cases.filter { $0.kind == "failed" } }

  /// What a reader needs to see why a tooth does not bite.
  var summary: String {
    let ends = cases.map { "\($0.name) \($0.kind)\($0.failure.map { " (\($0))" } ?? "")" }
    return "exit code \(exitCode), \(ends.isEmpty ? "no case" : ends.joined(separator: ", "))"
      + (interruption.map { "; \($0)" } ?? "") + (errors.isEmpty ? "" : "; \(errors)")
      + "; see \(directory.path)"
  }

  /// Whether the run failed because the case of a tooth did, and not by an accident.
  func catches(_ tooth: Tooth) -> Bool {
    exitCode == 1 && interruption == nil
      && failed.contains { item in
        item.matches(tooth.pattern) && !Self.accidents.contains(item.failure ?? "")
      }
  }

  func removeDirectory() {
    try? FileManager.default.removeItem(at: directory)
  }

  /// Builds the kernel with a patch, so that its time is not the run's.
  static func build(patch: String) async throws {
    let outcome = try await program(["kernel", "build", "--quiet", "--patch", patch])
    guard outcome.exitCode == 0 else {
      throw Failed(description: "\(patch) gives no kernel: \(outcome.errors)")
    }
  }

  static func execute(
    topology: String, suite: String, patterns: Set<String>, patch: String?
  ) async throws -> BrokenKernelRun {
    let directory = FileManager.default.temporaryDirectory
      .appending(path: "crossbar-tooth-\(UUID().uuidString)")
    var arguments = ["run", topology, "--suite", suite, "--quiet", "--output", directory.path]
    for pattern in patterns.sorted() { arguments += ["--only", pattern] }
    if let patch { arguments += ["--patch", patch] }
    let outcome = try await program(arguments)
    let file = directory.appending(path: "run.json")
    let record = (try? Data(contentsOf: file)).flatMap {
      try? JSONSerialization.jsonObject(with: $0) as? [String: Any]
    }
    let cases = (record?["cases"] as? [[String: Any]] ?? []).map { item in
      let outcome = item["outcome"] as? [String: Any]
      return Case(
        name: item["name"] as? String ?? "?", kind: outcome?["kind"] as? String ?? "?",
        failure: outcome?["failure"] as? String)
    }
    return BrokenKernelRun(
      exitCode: outcome.exitCode, cases: cases, interruption: record?["interruption"] as? String,
      directory: directory, errors: outcome.errors)
  }

  /// Runs the `crossbar` that was built beside these tests.
  private static func program(
    _ arguments: [String]
  ) async throws -> (exitCode: Int32, errors: String) {
    let file = FileManager.default.temporaryDirectory
      .appending(path: "crossbar-tooth-\(UUID().uuidString).errors")
    try Data().write(to: file)
    defer { try? FileManager.default.removeItem(at: file) }
    let process = Process()
    process.executableURL = Bundle.main.bundleURL.appending(path: "crossbar")
    process.arguments = arguments
    process.currentDirectoryURL = TeethTests.checkout
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    process.standardError = try FileHandle(forWritingTo: file)
    try process.run()
    while process.isRunning { try await Task.sleep(for: .milliseconds(50)) }
    let errors = String(decoding: try Data(contentsOf: file), as: UTF8.self)
    return (
      process.terminationReason == .exit ? process.terminationStatus : -1,
      errors.trimmingCharacters(in: .whitespacesAndNewlines)
    )
  }
}
