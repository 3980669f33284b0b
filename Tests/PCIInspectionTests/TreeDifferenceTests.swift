// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import Topology

@testable import PCIInspection

/// Whether a guest has the tree that was asked for.
struct TreeDifferenceTests {
  @Test func theGuestThatWasAskedForHasNoDifference() throws {
    let simple = Fixture.simple(throughSwitch: true)
    #expect(try Fixture.tree("switch").differences(from: simple) == [])
    let ports = Fixture.simple(throughSwitch: false)
    #expect(try Fixture.tree("root-ports").differences(from: ports) == [])
    #expect(try Fixture.tree("every-model").differences(from: Fixture.everyModel()) == [])
  }

  @Test func resolvesEachIDToItsAddress() throws {
    let found = try Fixture.tree("every-model").resolve(Fixture.everyModel())
    #expect(
      found.mapValues(\.description) == [
        "rp0": "0000:00:02.0", "px0": "0000:00:03.0", "px1": "0000:00:04.0",
        "br0": "0000:01:00.0", "nvme1": "0000:02:01.0", "gpu0": "0000:02:02.0",
        "rp1": "0000:40:00.0", "rp2": "0000:40:01.0", "up0": "0000:41:00.0",
        "dp0": "0000:42:00.0", "nvme0": "0000:43:00.0", "rp3": "0000:60:00.0",
        "nvme2": "0000:61:00.0",
      ])
  }

  @Test func resolvesChildrenThatStandBeforeTheirParents() throws {
    var topology = Fixture.simple(throughSwitch: true)
    topology.pcie = [2, 3, 1, 0].map { topology.pcie[$0] }
    #expect(try Fixture.tree("switch").resolve(topology).count == 6)
  }

  @Test func saysWhatIsMissing() throws {
    let differences = try Fixture.tree("root-ports").differences(
      from: Fixture.simple(throughSwitch: true))
    #expect(
      differences.map(\.message) == [
        "`up0` at 0000:01:00.0 should be a switch's upstream port (104c:8232), "
          + "but the guest has 1b36:0010 there"
      ])
  }

  @Test func saysWhatIsNotThereAtAll() throws {
    var topology = Fixture.simple(throughSwitch: true)
    topology.pcie.append(PCIeNode(id: "rp1", model: .rootPort))
    topology.pcie.append(PCIeNode(id: "up1", model: .switchUpstream, bus: "rp1"))
    let differences = try Fixture.tree("switch").differences(from: topology)
    #expect(
      differences.map(\.description) == [
        "`rp1`, a root port, was asked for at 0000:00:03.0, but nothing is there"
      ])
    #expect(differences.first?.id == "rp1")
  }

  @Test func saysWhatNobodyAskedFor() throws {
    var topology = Fixture.simple(throughSwitch: true)
    topology.gpus = []
    let differences = try Fixture.tree("switch").differences(from: topology)
    #expect(
      differences.map(\.message) == [
        "the guest has 1af4:1110 at 0000:04:00.0 below `dp1`, where nothing was asked for"
      ])
  }

  @Test(
    arguments: [
      (nil, "`nvme0` at 0000:03:00.0 should have no CMB, but has a BAR 2 of 64MiB"),
      (.mebibytes(32), "`nvme0` at 0000:03:00.0 should have CMB of 32MiB, but its BAR 2 has 64MiB"),
    ] as [(ByteCount?, String)])
  func comparesTheCMB(asked: ByteCount?, message: String) throws {
    var topology = Fixture.simple(throughSwitch: true)
    topology.nvme[0].cmb = asked
    #expect(try Fixture.tree("switch").differences(from: topology).map(\.message) == [message])
  }

  @Test func comparesThePMR() throws {
    var topology = Fixture.simple(throughSwitch: true)
    topology.nvme[0].pmr = .mebibytes(1)
    #expect(
      try Fixture.tree("switch").differences(from: topology).map(\.message) == [
        "`nvme0` at 0000:03:00.0 should have PMR of 1MiB, but its BAR 4 has no address"
      ])
  }

  @Test func comparesVideoMemory() throws {
    var topology = Fixture.simple(throughSwitch: true)
    topology.gpus[0].videoMemory = .mebibytes(512)
    #expect(
      try Fixture.tree("switch").differences(from: topology).map(\.message) == [
        "`gpu0` at 0000:04:00.0 should have video memory of 512MiB, but its BAR 2 has 256MiB"
      ])
  }

  @Test func aSizeThatIsNotKnownIsADifference() throws {
    let lines = try Fixture.dump("switch").split(separator: "\n", omittingEmptySubsequences: false)
    let bare = lines.filter { !$0.hasPrefix("\t") }.joined(separator: "\n")
    let differences = try PCITree.read(dump: bare).differences(
      from: Fixture.simple(throughSwitch: true))
    #expect(differences.count == 2)
    #expect(differences.allSatisfy { $0.message.hasSuffix("is not known") })
  }

  @Test func comparesACS() throws {
    var topology = try Fixture.everyModel()
    topology.pcie[0].acs = nil
    topology.pcie[2].acs = false
    #expect(
      try Fixture.tree("every-model").differences(from: topology).map(\.message) == [
        "`rp0` at 0000:00:02.0 should have ACS, but has none",
        "`rp1` at 0000:40:00.0 should have no ACS, but has it",
      ])
  }

  @Test func comparesTheClass() throws {
    // The NVMe controller's class code, 01 08 02 with revision 02, becomes that of a SATA one.
    let dump = try Fixture.dump("switch").replacingOccurrences(
      of: "00: 36 1b 10 00 07 05 10 00 02 02 08 01", with: "00: 36 1b 10 00 07 05 10 00 02 02 06 01"
    )
    let differences = try PCITree.read(dump: dump).differences(
      from: Fixture.simple(throughSwitch: true))
    #expect(
      differences.first?.message.hasSuffix("1b36:0010 of class 0106 instead of 0108 there") == true)
  }
}
