// SPDX-License-Identifier: Apache-2.0

import Testing

extension GuestTests {
  /// Every shipped topology gives the verdict that its file expects.
  @Suite struct TopologyVerdicts {
    static let verified = [
      "switch", "root-ports", "root-ports-zen", "viommu-root-ports", "no-cmb", "small-cmb",
      "bridge", "two-controllers", "lba-4096",
    ]

    @Test(arguments: verified)
    func topologyIsVerified(name: String) async throws {
      let outcome = try await CrossbarProgram.run(["run", name])
      #expect(outcome.exitCode == 0, "\(outcome.errors)\(outcome.output)")
      let cases = try outcome.cases()
      #expect(cases.count > 10)
      #expect(outcome.file("junit.xml").contains("<testsuite"))
      #expect(outcome.file("ktap.log").contains("KTAP version 1"))
      #expect(outcome.file("pci.txt").contains("00:00.0"))
    }

    @Test func refusedRoutesFallBack() async throws {
      let outcome = try await CrossbarProgram.run(["run", "root-ports", "--only", "*read-4k"])
      #expect(outcome.exitCode == 0, "\(outcome.output)")
      let kinds = try outcome.cases().map { try #require($0["outcome"] as? [String: Any]) }
      #expect(kinds.contains { $0["kind"] as? String == "refusedFellBack" })
    }

    @Test func silentCorruptionIsAKnownLimitWithItsEvidence() async throws {
      let outcome = try await CrossbarProgram.run(["run", "viommu-switch"])
      #expect(outcome.exitCode == 0, "\(outcome.output)")
      #expect(outcome.output.contains("silent corruption"))
      #expect(outcome.file("console.log").contains("DMAR"))
    }

    @Test func strictTurnsAKnownLimitIntoAFailure() async throws {
      let outcome = try await CrossbarProgram.run(
        ["run", "viommu-switch", "--strict", "--only", "*.gpu0.read-4k"])
      #expect(outcome.exitCode == 1, "\(outcome.output)")
    }
  }
}
