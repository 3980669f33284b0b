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

  private func faults(_ cases: [CaseRecord], _ path: MappingPath = .auto, route: Route = .switch)
    -> [String]
  {
    DeviceMapCoverage.faults(of: cases, topology: topology(route: route), path: path)
  }

  @Test func everyVolumeWithARouteHasADirectCase() {
    #expect(faults([record("ns0"), record("ns1")]).isEmpty)
    #expect(
      faults([record("ns0"), record("ns1", .memory)]) == [
        "No case of ns1 went direct to gpu0, and the topology expects that gpu0 reaches the BAR of "
          + "nvme0."
      ])
    #expect(faults([]).count == 2)
  }

  @Test func aSkippedCaseWentNowhereAndAFailedOneSpeaksForItself() {
    var skipped = record("ns1")
    skipped.outcome = CaseOutcome(.skipped, nil, "no room")
    #expect(faults([record("ns0"), skipped]).count == 1)
    skipped.outcome = CaseOutcome(.failed, .program, "it broke")
    #expect(faults([record("ns0"), skipped]).isEmpty)
  }

  @Test func withoutARouteNothingIsOwed() {
    #expect(faults([], route: .none).isEmpty)
    #expect(faults([], .fallback).isEmpty)
  }

  @Test func whoAsksForTheDirectPathIsToldWhereThereIsNone() {
    let faults = faults([record("ns0"), record("ns1")], .direct)
    #expect(faults.count == 1)
    #expect(
      faults.first?.hasPrefix("No case of ns2 went direct to gpu0, and --path direct") == true)
    #expect(faults.first?.contains("nvme1") == true)
  }

  @Test func aControllerIsReachedByItsMemoryAndItsRoute() {
    #expect(DeviceMapCoverage.controllers(reachedBy: "gpu0", in: topology()) == ["nvme0"])
    var chosen = topology()
    chosen.nvme[0].cmb = nil
    #expect(DeviceMapCoverage.controllers(reachedBy: "gpu0", in: chosen).isEmpty)
  }
}
