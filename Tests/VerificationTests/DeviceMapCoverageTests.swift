// SPDX-License-Identifier: Apache-2.0

import Testing
import Topology
import Verification

@Suite struct DeviceMapCoverageTests {
  private func record(_ volume: String, _ claim: DMAClaim = .direct("nvme0")) -> CaseRecord {
    var scene = DeviceMapScene()
    scene.volume = volume
    scene.claim = claim
    return scene.record
  }

  private func fallingBack(_ volume: String) -> CaseRecord {
    var scene = DeviceMapScene.fallback
    scene.volume = volume
    return scene.record
  }

  private func faults(_ cases: [CaseRecord], _ path: MappingPath = .auto, route: Route = .switch)
    -> [String]
  {
    DeviceMapCoverage.faults(of: cases, topology: topology(route: route), path: path)
  }

  @Test func everyVolumeWithARouteHasADirectCase() {
    let ns2 = fallingBack("ns2")
    #expect(faults([record("ns0"), record("ns1"), ns2]).isEmpty)
    #expect(
      faults([record("ns0"), record("ns1", .memory), ns2]) == [
        "No case of ns1 went direct to gpu0, and the topology expects that gpu0 reaches the BAR of "
          + "nvme0."
      ])
    #expect(faults([ns2]).count == 2)
  }

  @Test func aSkippedCaseWentNowhereAndAFailedOneSpeaksForItself() {
    var skipped = record("ns1")
    skipped.outcome = CaseOutcome(.skipped, nil, "no room")
    let ns2 = fallingBack("ns2")
    #expect(faults([record("ns0"), skipped, ns2]).count == 1)
    skipped.outcome = CaseOutcome(.failed, .program, "it broke")
    #expect(faults([record("ns0"), skipped, ns2]).isEmpty)
  }

  /// A run whose GPU never touches a file has shown nothing of the way through the page cache.
  @Test func whereNothingGoesDirectTheFallbackIsOwed() {
    for (path, route) in [(MappingPath.auto, Route.none), (.fallback, .switch)] {
      let volumes = ["ns0", "ns1", "ns2"].map(fallingBack)
      #expect(faults(volumes, path, route: route).isEmpty)
      #expect(
        faults(Array(volumes.dropLast()), path, route: route) == [
          "No case of ns2 took gpu0's way through the page cache, which is the only one here."
        ])
    }
  }

  @Test func whoAsksForTheDirectPathIsToldWhereThereIsNone() {
    let faults = faults([record("ns0"), record("ns1")], .direct)
    #expect(faults.count == 1)
    #expect(
      faults.first?.hasPrefix("No case of ns2 can go direct to gpu0, and --path direct") == true)
    #expect(faults.first?.contains("nvme1") == true)
  }

  private func faults(
    ofSome cases: [CaseRecord], _ path: MappingPath = .direct, route: Route = .switch
  ) -> [String] {
    DeviceMapCoverage.faults(
      of: cases, topology: topology(route: route), path: path, isWhole: false)
  }

  @Test func aPartOfTheCasesOwesTheDirectPathWhereItIs() {
    #expect(faults(ofSome: [record("ns0")]).isEmpty)
    #expect(faults(ofSome: []).isEmpty)
    #expect(
      faults(ofSome: [record("ns0"), record("ns1", .memory)]) == [
        "No case of ns1 went direct to gpu0, and the topology expects that gpu0 reaches the BAR of "
          + "nvme0."
      ])
    #expect(
      faults(ofSome: [record("ns0", .memory)], route: .none) == [
        "No case of ns0 can go direct to gpu0, and --path direct asks for it; the topology has no way "
          + "from nvme0's memory to gpu0. Take a topology that has one, such as switch, or --path auto."
      ])
    // Whatever it claims.
    #expect(faults(ofSome: [record("ns0")], route: .none).count == 1)
  }

  @Test func aPartOfTheCasesOwesNothingElse() {
    for path in [MappingPath.auto, .fallback] {
      #expect(faults(ofSome: [record("ns0", .memory)], path).isEmpty)
      #expect(faults(ofSome: [record("ns0", .memory)], path, route: .none).isEmpty)
    }
  }

  @Test func aCaseThatClaimsNothingCountsForAPartIfItWentThere() {
    var mixed = DeviceMapScene.mixed.record
    #expect(faults(ofSome: [mixed]).isEmpty)
    #expect(faults([mixed, record("ns1")], .direct).count == 2)
    mixed.outcome = CaseOutcome(.skipped, nil, "no room")
    #expect(faults(ofSome: [mixed]).count == 1)
    var fallback = DeviceMapScene.fallback
    fallback.claim = .mixed
    #expect(faults(ofSome: [fallback.record]).count == 1)
  }

  @Test func aControllerIsReachedByItsMemoryAndItsRoute() {
    #expect(DeviceMapCoverage.controllers(reachedBy: "gpu0", in: topology()) == ["nvme0"])
    var chosen = topology()
    chosen.nvme[0].cmb = nil
    #expect(DeviceMapCoverage.controllers(reachedBy: "gpu0", in: chosen).isEmpty)
  }
}
