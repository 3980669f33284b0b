// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

extension GuestTests {
  /// However Crossbar ends, no QEMU, no lock and no temporary file stay behind.
  @Suite struct KilledProgram {
    @Test func killedAtTenRandomMomentsNothingStays() async throws {
      var generator = SplitMix(state: 0x5EED)
      for round in 0..<10 {
        let moment = Duration.milliseconds(Int.random(in: 50...7000, using: &generator))
        let outcome = try await CrossbarProgram.run(["run", "switch"]) { program in
          try await Task.sleep(for: moment)
          program.signal(SIGKILL)
        }
        #expect(outcome.exitCode == nil, "round \(round): it had ended before \(moment)")
        let gone = try await HostProcesses.noQEMU(
          containing: outcome.directory.path, within: .seconds(5))
        #expect(gone, "round \(round): QEMU outlived a kill after \(moment)")
        try? FileManager.default.removeItem(at: outcome.directory)
      }
      let outcome = try await CrossbarProgram.run(["run", "switch", "--only", "*read-4k"])
      #expect(outcome.exitCode == 0, "\(outcome.errors)\(outcome.output)")
    }

    @Test(arguments: [SIGINT, SIGTERM])
    func anInterruptedRunCleansUpAndSaysSo(signal: CInt) async throws {
      let outcome = try await CrossbarProgram.run(["run", "switch"]) { program in
        try await program.wait(for: "ok 2 ", in: "ktap.log")
        program.signal(signal)
      }
      #expect(outcome.exitCode == 130, "\(outcome.errors)")
      #expect(HostProcesses.withCommandLine(containing: outcome.directory.path).isEmpty)
      #expect(outcome.file("run.json").isEmpty)
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
