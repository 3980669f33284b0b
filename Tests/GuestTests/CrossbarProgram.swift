// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// The program under test, as a user runs it: a process with arguments, output and an exit code.
struct CrossbarProgram: Sendable {
  /// What a finished invocation left.
  struct Outcome: Sendable {
    /// The exit code; `nil` when a signal ended the program.
    var exitCode: Int32?
    var output: String
    var errors: String
    /// The run directory that the invocation was given.
    var directory: URL

    /// `run.json`, decoded loosely.
    func record() throws -> [String: Any] {
      let data = try Data(contentsOf: directory.appending(path: "run.json"))
      return try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    }

    /// The cases of `run.json`.
    func cases() throws -> [[String: Any]] {
      try #require(try record()["cases"] as? [[String: Any]])
    }

    /// How many cases ended in each way.
    func kinds() throws -> [String: Int] {
      var counts: [String: Int] = [:]
      for item in try cases() {
        let outcome = try #require(item["outcome"] as? [String: Any])
        counts[try #require(outcome["kind"] as? String), default: 0] += 1
      }
      return counts
    }

    /// Why cases were skipped, by name.
    func skips(of suite: String? = nil) throws -> [String: String] {
      var reasons: [String: String] = [:]
      for item in try cases() where suite == nil || item["suite"] as? String == suite {
        let end = try #require(item["outcome"] as? [String: Any])
        let reason = end["explanation"] as? String ?? ""
        guard end["kind"] as? String == "skipped" else { continue }
        reasons[try #require(item["name"] as? String)] = reason
      }
      return reasons
    }

    /// Private disk images that are still in the run directory.
    var images: [String] {
      let names = (try? FileManager.default.contentsOfDirectory(atPath: directory.path)) ?? []
      return names.filter { $0.hasSuffix(".img") }
    }

    /// What a failing test says of the run: first its failures, for who keeps only the beginning of
    /// a long text, then everything that was printed.
    var story: String {
      let failures = (try? record()["failures"] as? [String]) ?? []
      return (["exit code \(exitCode.map(String.init) ?? "none")"] + failures + [errors, output])
        .joined(separator: "\n")
    }

    /// Everything that was printed, with its lines joined: a report is wrapped to the terminal.
    var sentences: String {
      (errors + " " + output).split(whereSeparator: \.isWhitespace).joined(separator: " ")
    }

    func file(_ name: String) -> String {
      (try? String(contentsOf: directory.appending(path: name), encoding: .utf8)) ?? ""
    }
  }

  /// The executable that was built beside these tests.
  static let executable = Bundle.main.bundleURL.appending(path: "crossbar")
  /// The checkout: topologies and images are found from here.
  static let checkout = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

  /// Runs `crossbar` to its end. `during` is given the process while it runs.
  static func run(
    _ arguments: [String], output directory: URL? = nil, environment: [String: String] = [:],
    during body: @escaping @Sendable (RunningProgram) async throws -> Void = { _ in }
  ) async throws -> Outcome {
    let directory = directory ?? temporaryDirectory()
    var arguments = arguments
    if arguments.first == "run" { arguments += ["--output", directory.path] }
    let process = Process()
    process.executableURL = executable
    process.arguments = arguments
    process.currentDirectoryURL = checkout
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    let output = try CapturedStream(named: "output")
    let errors = try CapturedStream(named: "errors")
    process.standardOutput = output.handle
    process.standardError = errors.handle
    process.standardInput = FileHandle.nullDevice
    try process.run()
    let running = RunningProgram(
      identifier: process.processIdentifier, directory: directory, errors: errors.url)
    do {
      try await body(running)
    } catch {
      process.terminate()
      process.waitUntilExit()
      throw error
    }
    while process.isRunning { try await Task.sleep(for: .milliseconds(20)) }
    return Outcome(
      exitCode: process.terminationReason == .exit ? process.terminationStatus : nil,
      output: try output.text(), errors: try errors.text(), directory: directory)
  }

  /// A path of its own that does not exist yet; what is there when a test passes is removed.
  static func temporaryDirectory() -> URL { TemporaryDirectories.path() }
}

/// The program while it runs.
struct RunningProgram: Sendable {
  var identifier: pid_t
  var directory: URL
  /// What it says on standard error, while it runs.
  var errors: URL

  func signal(_ number: CInt) { kill(identifier, number) }

  /// Waits until the program has said `text` on standard error.
  func wait(forError text: String, limit: Duration = .seconds(120)) async throws {
    try await wait(for: text, in: errors, limit: limit)
  }

  /// Waits until a file of the run directory holds `text`.
  func wait(for text: String, in file: String, limit: Duration = .seconds(120)) async throws {
    try await wait(for: text, in: directory.appending(path: file), limit: limit)
  }

  private func wait(for text: String, in url: URL, limit: Duration) async throws {
    let clock = ContinuousClock()
    let end = clock.now + limit
    while clock.now < end {
      if let content = try? String(contentsOf: url, encoding: .utf8), content.contains(text) {
        return
      }
      try await Task.sleep(for: .milliseconds(20))
    }
    Issue.record("\(url.lastPathComponent) never held `\(text)`")
  }

  /// The QEMU that serves this run: the one whose command line names the run directory.
  func qemu() -> pid_t? {
    HostProcesses.withCommandLine(containing: directory.path)
      .first { $0.name.hasPrefix("qemu-system") }?.identifier
  }
}

/// A stream of a child, captured in an unnamed file so that nothing blocks.
struct CapturedStream {
  let handle: FileHandle
  let url: URL

  init(named name: String) throws {
    url = TemporaryDirectories.path().appendingPathExtension(name)
    try Data().write(to: url)
    handle = try FileHandle(forUpdating: url)
  }

  func text() throws -> String {
    defer { try? FileManager.default.removeItem(at: url) }
    return String(decoding: try Data(contentsOf: url), as: UTF8.self)
  }
}

/// Processes of this machine, from `/proc`.
enum HostProcesses {
  struct Entry: Sendable {
    var identifier: pid_t
    var name: String
  }

  static func withCommandLine(containing text: String) -> [Entry] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    return names.compactMap { name -> Entry? in
      guard let identifier = pid_t(name), identifier != getpid(),
        let data = FileManager.default.contents(atPath: "/proc/\(name)/cmdline")
      else { return nil }
      let words = data.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
      guard words.contains(where: { $0.contains(text) }), let program = words.first else {
        return nil
      }
      return Entry(identifier: identifier, name: URL(filePath: program).lastPathComponent)
    }
  }

  /// The supervisors of runs that were given the runtime directory.
  static func supervisors(in runtime: GuestTests.PrivateRuntime) -> [pid_t] {
    let variable = Data("XDG_RUNTIME_DIR=\(runtime.path)".utf8)
    return withCommandLine(containing: "--crossbar-supervisor").map(\.identifier).filter {
      let environment = FileManager.default.contents(atPath: "/proc/\($0)/environ") ?? Data()
      return environment.split(separator: 0).contains { $0 == variable }
    }
  }

  /// Whether a process runs; one that has ended and waits to be reaped does not.
  static func runs(_ identifier: pid_t) -> Bool {
    let status = try? String(contentsOfFile: "/proc/\(identifier)/stat", encoding: .utf8)
    guard let status else { return false }
    return !status.contains(") Z ")
  }

  /// Waits until no QEMU names `text` on its command line.
  static func noQEMU(containing text: String, within limit: Duration) async throws -> Bool {
    let clock = ContinuousClock()
    let end = clock.now + limit
    repeat {
      let left = withCommandLine(containing: text).filter { $0.name.hasPrefix("qemu-system") }
      if left.isEmpty { return true }
      try await Task.sleep(for: .milliseconds(50))
    } while clock.now < end
    return false
  }
}
