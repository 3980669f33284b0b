// SPDX-License-Identifier: Apache-2.0

import Testing
import Topology
import Verification

@testable import Harness

/// The programs of the suites are compiled, and asked on this machine.
@Suite struct CaseCatalogueTests {
  private func items(
    _ topology: String, _ suite: Harness.Suite, only: [String] = []
  ) async throws -> [CaseCatalogue.Item] {
    let workshop = try Workshop.standard()
    let chosen = try workshop.topology(topology)
    let request = RunRequest(
      topology: chosen.topology, topologyPath: chosen.path, suite: suite, kernel: .flavour(nil),
      location: .embedded, only: only)
    try request.check()
    return try await CaseCatalogue(request, workshop: workshop).items()
  }

  @Test func aSuiteHasTheCasesOfItsVolumesAndPeers() async throws {
    let names = try await items("switch", .p2pdma).map(\.name)
    #expect(names.count == 94 && Set(names).count == 94)
    #expect(names.contains("ns1.gpu0.read-4k"))
    let two = try await items("two-controllers", .p2pdma).map(\.name)
    #expect(two.count == 140 && two.contains("ns1.nvme1.read-4k"))
  }

  @Test func allHasThoseOfItsSuitesInTheirOrder() async throws {
    let all = try await items("switch", .all)
    let apart = [
      try await items("switch", .p2pdma), try await items("switch", .gpu),
      try await items("switch", .deviceMap),
    ]
    #expect(all == apart.flatMap(\.self) && apart.allSatisfy { $0.count > 90 })
    #expect(all.last?.suite == "device-map")
  }

  @Test func patternsChooseInAnyOfTheSuites() async throws {
    let some = try await items("switch", .all, only: ["ns0.gpu0.read-4k", "*.rule4-fsync"])
    #expect(
      some.map(\.name) == ["ns0.gpu0.read-4k", "gpu0.ns0.rule4-fsync", "gpu0.ns1.rule4-fsync"])
    #expect(some.map(\.suite) == ["p2pdma", "device-map", "device-map"])
  }

  @Test func eachPatternHasToMatchACase() async throws {
    let error = await #expect(throws: RequestError.self) {
      try await items("switch", .all, only: ["ns0.gpu0.read-4k", "*.raed-*", "*.rule8-*"])
    }
    let text = error?.description ?? ""
    #expect(text.contains("matches --only '*.raed-*' or --only '*.rule8-*'. "), "\(text)")
  }

  @Test func programsOfOthersRunOnEachVolumeWhichIsCheckedAtTheEnd() async throws {
    let names = try await items(
      "switch", .regression, only: ["fio.*direct.ns1", "kunit.device_map"]
    )
    .map(\.name)
    #expect(names.first == "kunit.device_map" && names.last == "fsck.check.ns1")
    #expect(names.count > 2 && names.dropFirst().allSatisfy { $0.hasSuffix(".ns1") })
  }

  /// The guest decides what runs; that it is what was chosen is the host's to see.
  @Test func whatTheGuestLeavesOutOrAddsIsAFault() {
    func item(_ name: String) -> CaseCatalogue.Item { .init(suite: "gpu", name: name) }
    func record(_ name: String, suite: String = "gpu") -> CaseRecord {
      var record = CaseRecord(
        number: 1, name: name, volume: "", peer: "gpu0", operation: .gpu, expectedRoute: .none,
        outcome: CaseOutcome(.verified))
      record.suite = suite
      return record
    }
    let chosen = [item("a"), item("b"), item("c")]
    #expect(
      CaseCatalogue.faults(in: [record("c"), record("a"), record("b")], chosen: chosen) == [])
    #expect(
      CaseCatalogue.faults(in: [record("c"), record("a")], chosen: chosen) == [
        "The guest has not run b of the suite gpu."
      ])
    #expect(
      CaseCatalogue.faults(in: [record("a", suite: "p2pdma")], chosen: chosen) == [
        "The guest has not run a of the suite gpu and 2 more.",
        "The guest has run, unasked, a of the suite p2pdma.",
      ])
  }

  @Test func powerCutHasNoneToChooseFrom() async throws {
    let error = await #expect(throws: RequestError.self) { try await items("switch", .powerCut) }
    #expect(error?.description.contains("no cases to choose from") == true)
  }
}
