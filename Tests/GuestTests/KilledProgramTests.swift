// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

extension GuestTests {
  /// However Crossbar ends, no QEMU, no lock and no temporary file stay behind.
  @Suite struct KilledProgram {
    @Test func killedAtTenRandomMomentsNothingStays() async throws {
      let runtime = try PrivateRuntime()
      defer { runtime.remove() }
      var generator = SplitMix(state: 0x5EED)
      let start = ContinuousClock.now
      let whole = try await CrossbarProgram.run(
        ["run", "switch"], environment: runtime.environment)
      #expect(whole.exitCode == 0, "\(whole.story)")
      // Not all of its length: the next run may be quicker.
      let length = (ContinuousClock.now - start) * 2 / 3
      try? FileManager.default.removeItem(at: whole.directory)
      var moments = (0..<8).map { _ in length * Double.random(in: 0.005...1, using: &generator) }
      // After the last case: when the guest is stopped, and when its disks are compared.
      moments += [.zero, .milliseconds(400)]
      for (round, moment) in moments.enumerated() {
        let outcome = try await CrossbarProgram.run(
          ["run", "switch"], environment: runtime.environment
        ) { program in
          if round >= 8 { try await program.wait(for: "ok 94 ", in: "ktap.log") }
          try await Task.sleep(for: moment)
          program.signal(SIGKILL)
        }
        #expect(outcome.exitCode == nil, "round \(round): it had ended before \(moment)")
        let gone = try await HostProcesses.noQEMU(
          containing: outcome.directory.path, within: .seconds(5))
        #expect(gone, "round \(round): QEMU outlived a kill after \(moment)")
        let clean = try await eventually {
          runtime.leftovers.isEmpty && outcome.images.isEmpty
            && HostProcesses.supervisors(in: runtime).isEmpty
        }
        #expect(clean, "round \(round): \(runtime.leftovers) \(outcome.images) after \(moment)")
        try? FileManager.default.removeItem(at: outcome.directory)
      }
      let outcome = try await CrossbarProgram.run(
        ["run", "switch", "--only", "*read-4k"], environment: runtime.environment)
      #expect(outcome.exitCode == 0, "\(outcome.story)")
      #expect(runtime.leftovers.isEmpty)
    }

    @Test func whatASupervisorCouldNotEndTheNextRunDoes() async throws {
      let runtime = try PrivateRuntime()
      defer { runtime.remove() }
      let killed = try await CrossbarProgram.run(
        ["run", "switch"], environment: runtime.environment
      ) { program in
        try await program.wait(for: "ok 2 ", in: "ktap.log")
        let supervisors = HostProcesses.supervisors(in: runtime)
        #expect(supervisors.count == 1)
        for supervisor in supervisors { kill(supervisor, SIGKILL) }
        program.signal(SIGKILL)
      }
      #expect(killed.exitCode == nil)
      // Nobody was left to end it: without that there would be nothing to see here.
      #expect(!HostProcesses.withCommandLine(containing: killed.directory.path).isEmpty)
      #expect(!runtime.leftovers.isEmpty)
      let next = try await CrossbarProgram.run(
        ["run", "switch", "--only", "*read-4k"], environment: runtime.environment)
      #expect(next.exitCode == 0, "\(next.story)")
      #expect(HostProcesses.withCommandLine(containing: killed.directory.path).isEmpty)
      #expect(runtime.leftovers.isEmpty)
    }

    @Test(arguments: [SIGINT, SIGTERM])
    func anInterruptedRunCleansUpAndSaysSo(signal: CInt) async throws {
      let runtime = try PrivateRuntime()
      defer { runtime.remove() }
      let outcome = try await CrossbarProgram.run(
        ["run", "switch"], environment: runtime.environment
      ) { program in
        try await program.wait(for: "ok 2 ", in: "ktap.log")
        program.signal(signal)
      }
      #expect(outcome.exitCode == 130, "\(outcome.errors)")
      #expect(outcome.errors.hasSuffix("What was logged so far is in \(outcome.directory.path).\n"))
      #expect(HostProcesses.withCommandLine(containing: outcome.directory.path).isEmpty)
      #expect(runtime.leftovers.isEmpty)
      #expect(outcome.images.isEmpty)
      #expect(outcome.file("run.json").isEmpty)
    }

    private func eventually(_ condition: () -> Bool) async throws -> Bool {
      let end = ContinuousClock.now + .seconds(5)
      while !condition() {
        guard ContinuousClock.now < end else { return false }
        try await Task.sleep(for: .milliseconds(50))
      }
      return true
    }
  }

  /// A runtime directory of a test's own, so that what stays there is known to be its own.
  struct PrivateRuntime {
    /// Short: a socket's path has to fit into 107 bytes.
    let path = "/tmp/xb-" + String(UInt32.random(in: .min ... .max), radix: 36)

    init() throws {
      try #require(mkdir(path, 0o700) == 0)
    }

    var environment: [String: String] { ["XDG_RUNTIME_DIR": path] }

    /// What runs left there, but for the lock of the directory itself.
    var leftovers: [String] {
      let names = (try? FileManager.default.contentsOfDirectory(atPath: path + "/crossbar")) ?? []
      return names.filter { $0 != ".lock" }
    }

    func remove() {
      try? FileManager.default.removeItem(atPath: path)
    }
  }

  /// A seeded generator, so that a failing moment can be had again.
  struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var z = state
      z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
      z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
      return z ^ (z >> 31)
    }
  }
}
