// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@testable import Harness

/// With a script in QEMU's place.
@Suite struct KVMTrialTests {
  private let directory = FileManager.default.temporaryDirectory
    .appending(path: "crossbar-\(UUID().uuidString)")

  @Test func aResultIsKeptPerKernelAndForgottenWithItsContent() async throws {
    defer { try? FileManager.default.removeItem(at: directory) }
    let first = try trial(kernel: "one", doing: "echo Run /init as init process")
    let second = try trial(kernel: "two", doing: "echo Run /init as init process")
    #expect(try await first.result().works)
    #expect(try await second.result().works)
    #expect(attempts == 2)
    #expect(try await first.result().works)
    #expect(try await second.result().works)
    #expect(attempts == 2)
    // Under the same path, another kernel.
    try FileManager.default.removeItem(atPath: first.kernel)
    try Data("another".utf8).write(to: URL(filePath: first.kernel))
    #expect(try await first.result().works)
    #expect(attempts == 3)
  }

  @Test func whatEndsWithoutAMessageDoesNotWork() async throws {
    defer { try? FileManager.default.removeItem(at: directory) }
    let result = try await trial(kernel: "k", doing: "echo no MSR >&2; exit 1").result()
    #expect(!result.works)
    #expect(result.detail.hasSuffix("opens, but QEMU ended: no MSR"))
  }

  @Test func aCancelledTrialIsNotRecordedAndLeavesNothing() async throws {
    defer { try? FileManager.default.removeItem(at: directory) }
    var trial = try trial(kernel: "k", doing: "echo $$ > \(directory.path)/pid; exec sleep 60")
    // However busy the machine is, it is the cancellation that ends it.
    trial.limit = .seconds(600)
    let task = Task { [trial] in try await trial.result() }
    let pid = try await identifier()
    task.cancel()
    await #expect(throws: CancellationError.self) { try await task.value }
    #expect(!FileManager.default.fileExists(atPath: trial.record))
    #expect(try await ended(pid))
  }

  @Test func aTrialThatTakesTooLongDoesNotWorkAndLeavesNothing() async throws {
    defer { try? FileManager.default.removeItem(at: directory) }
    var trial = try trial(kernel: "k", doing: "echo $$ > \(directory.path)/pid; exec sleep 60")
    trial.limit = .milliseconds(500)
    let result = try await trial.result()
    #expect(!result.works)
    #expect(result.detail.contains("did not get to init within"))
    #expect(try await ended(try await identifier()))
  }

  @Test func oldResultsMakeRoom() throws {
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }
    let records = KVMTrialRecords(path: directory.path + "/kvm.json")
    for number in 0...KVMTrialRecords.limit {
      records.keep(.init(conditions: ["\(number)"], works: true, detail: ""))
    }
    #expect(records.result(under: ["0"]) == nil)
    #expect(records.result(under: ["1"])?.works == true)
    records.keep(.init(conditions: ["1"], works: false, detail: ""))
    #expect(records.result(under: ["1"])?.works == false)
    #expect(records.result(under: ["2"])?.works == true)
  }

  /// How often a machine was started.
  private var attempts: Int {
    let log = (try? String(contentsOfFile: directory.path + "/log", encoding: .utf8)) ?? ""
    return log.split(separator: "\n").count
  }

  private func trial(kernel: String, doing: String) throws -> KVMTrial {
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    let path = directory.path
    let script = """
      #!/bin/sh
      [ "$1" = --version ] && { echo QEMU of a test; exit 0; }
      echo started >> \(path)/log
      \(doing)
      """
    let program = "\(path)/qemu-\(kernel)"
    try Data(script.utf8).write(to: URL(filePath: program))
    chmod(program, 0o755)
    for name in [kernel, "device"] {
      try Data(name.utf8).write(to: URL(filePath: "\(path)/\(name)"))
    }
    return KVMTrial(
      kernel: "\(path)/\(kernel)", initramfs: "\(path)/initramfs", record: "\(path)/kvm.json",
      program: program, device: "\(path)/device")
  }

  /// The process that stands in for QEMU, once it runs.
  private func identifier() async throws -> pid_t {
    let end = ContinuousClock.now + .seconds(180)
    while ContinuousClock.now < end {
      let text = try? String(contentsOfFile: directory.path + "/pid", encoding: .utf8)
      if let text, text.hasSuffix("\n"), let pid = pid_t(text.dropLast()) { return pid }
      try await Task.sleep(for: .milliseconds(10))
    }
    throw EnvironmentError("the stand-in never started")
  }

  private func ended(_ process: pid_t) async throws -> Bool {
    let end = ContinuousClock.now + .seconds(10)
    while ContinuousClock.now < end {
      let status = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8)
      // An orphan that has ended stays a zombie until somebody takes it.
      guard let status, !status.contains(") Z ") else { return true }
      try await Task.sleep(for: .milliseconds(20))
    }
    return false
  }
}
