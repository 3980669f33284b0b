// SPDX-License-Identifier: Apache-2.0

import Testing

extension GuestTests {
  /// Every shipped topology gives the verdict that its file expects.
  @Suite struct TopologyVerdicts {
    /// How many cases end in each way, by topology.
    static let verdicts: [(name: String, kinds: [String: Int])] = [
      ("switch", ["verified": 94]), ("root-ports", ["verified": 46, "refusedFellBack": 48]),
      ("root-ports-zen", ["verified": 94]), ("viommu-root-ports", ["verified": 94]),
      ("no-cmb", ["verified": 48]), ("small-cmb", ["verified": 94]), ("bridge", ["verified": 94]),
      ("two-controllers", ["verified": 140]), ("lba-4096", ["verified": 94]),
    ]

    @Test(arguments: verdicts)
    func topologyIsVerified(name: String, kinds: [String: Int]) async throws {
      let outcome = try await CrossbarProgram.run(["run", name])
      #expect(outcome.exitCode == 0, "\(outcome.story)")
      #expect(try outcome.kinds() == kinds)
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
      #expect(try outcome.kinds() == ["verified": 46, "knownLimit": 32, "skipped": 16])
      for item in try outcome.cases() {
        let result = try #require(item["outcome"] as? [String: Any])
        guard result["kind"] as? String == "knownLimit" else { continue }
        #expect(result["failure"] as? String == "silent corruption")
        let phases = try #require(item["phases"] as? [[String: Any]])
        let direct = try #require(phases.first { $0["phase"] as? String == "direct" })
        #expect(direct["errno"] as? Int == 0)
        #expect(direct["mismatch"] != nil)
        let explanation = try #require(result["explanation"] as? String)
        #expect(explanation.contains("DMA fault"), "\(explanation)")
      }
      #expect(outcome.file("console.log").contains("DMAR"))
    }

    @Test func strictTurnsAKnownLimitIntoAFailure() async throws {
      let outcome = try await CrossbarProgram.run(
        ["run", "viommu-switch", "--strict", "--only", "*.gpu0.read-4k"])
      #expect(outcome.exitCode == 1, "\(outcome.output)")
    }
  }
}
