// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import Topology

@testable import PCIInspection

/// What is read from dumps of real guests.
struct PCITreeTests {
  private func device(_ address: String, in tree: PCITree) throws -> PCIDevice {
    let place = try #require(PCIAddress(parsing: address))
    return try #require(tree.device(at: place))
  }

  @Test func readsEachDevice() throws {
    let tree = try Fixture.tree("switch")
    #expect(
      tree.devices.map(\.address.description) == [
        "0000:00:00.0", "0000:00:01.0", "0000:00:02.0", "0000:00:1f.0", "0000:00:1f.2",
        "0000:00:1f.3", "0000:01:00.0", "0000:02:00.0", "0000:02:01.0", "0000:03:00.0",
        "0000:04:00.0",
      ])
  }

  @Test func readsIdentityClassAndSubsystem() throws {
    let nvme = try device("0000:03:00.0", in: Fixture.tree("switch"))
    #expect(nvme.identity == "1b36:0010")
    #expect(nvme.deviceClass == 0x0108)
    #expect(nvme.programmingInterface == 2)
    #expect(nvme.headerType == 0)
    #expect(nvme.subsystem == PCIDevice.Subsystem(vendor: 0x1AF4, device: 0x1100))
    #expect(nvme.buses == nil)
  }

  @Test func readsBARsWithTheirSizes() throws {
    let nvme = try device("0000:03:00.0", in: Fixture.tree("switch"))
    #expect(
      nvme.bars == [
        PCIBAR(
          index: 0, base: 0xFE80_0000, size: 16384, space: .memory64, isPrefetchable: false),
        PCIBAR(
          index: 2, base: 0xE000_0000, size: 64 << 20, space: .memory64, isPrefetchable: true),
      ])
    let sata = try device("0000:00:1f.2", in: Fixture.tree("switch"))
    #expect(sata.bar(4)?.space == .io)
    #expect(sata.bar(5)?.space == .memory32)
  }

  @Test func readsCapabilities() throws {
    let tree = try Fixture.tree("switch")
    let nvme = try device("0000:03:00.0", in: tree)
    #expect(nvme.msix == PCIMSIX(vectors: 65, isEnabled: true))
    #expect(nvme.express?.portType == .endpoint)
    let port = try device("0000:00:02.0", in: tree)
    #expect(port.express?.portType == .rootPort)
    #expect(port.accessControl != nil)
    #expect(port.accessControl?.redirectsPeerRequests == false)
    #expect(port.express?.link.width ?? 0 > 0)
    #expect(port.capabilities.contains { $0.isExtended && $0.id == 0x0D })
    #expect(try device("0000:01:00.0", in: tree).express?.portType == .switchUpstream)
    #expect(try device("0000:02:00.0", in: tree).express?.portType == .switchDownstream)
    #expect(try device("0000:02:00.0", in: tree).accessControl == nil)
    #expect(try device("0000:00:1f.3", in: tree).express == nil)
  }

  @Test(
    arguments: [
      (0x04, true), (0x08, true), (0x20, true), (0x01, false), (0x02, false), (0x10, false),
      (0x40, false),
    ] as [(UInt16, Bool)])
  func onlySomeControlsRedirectPeers(control: UInt16, redirects: Bool) {
    let value = PCIAccessControl(capability: 0x7F, control: control)
    #expect(value.redirectsPeerRequests == redirects)
  }

  @Test func findsParentsAndChildren() throws {
    let tree = try Fixture.tree("switch")
    let upstream = try device("0000:01:00.0", in: tree)
    #expect(upstream.buses == PCIBusNumbers(primary: 1, secondary: 2, subordinate: 4))
    #expect(tree.parent(of: upstream)?.address.description == "0000:00:02.0")
    #expect(
      tree.children(of: upstream).map(\.address.description) == ["0000:02:00.0", "0000:02:01.0"])
    #expect(tree.roots.count == 6)
    #expect(tree.rootBuses() == [0])
  }

  @Test func findsExpandersRootBuses() throws {
    #expect(try Fixture.tree("every-model").rootBuses() == [0, 0x40, 0x60])
  }

  @Test func findsTheBARAroundABusAddress() throws {
    let tree = try Fixture.tree("switch")
    let gpu = try #require(tree.barContaining(0xD020_0000))
    #expect(gpu.device.identity == "1af4:1110")
    #expect(gpu.bar.index == 2)
    #expect(tree.barContaining(0xE000_0000)?.device.identity == "1b36:0010")
    #expect(tree.barContaining(0xE3FF_FFFF)?.device.identity == "1b36:0010")
    #expect(tree.barContaining(0xE400_0000) == nil)
    #expect(tree.barContaining(0xC080) == nil)  // an I/O port is no bus address of memory
    #expect(tree.barContaining(.max) == nil)
  }

  @Test func bridgesHideExtendedSpace() throws {
    let tree = try Fixture.tree("every-model")
    let nvme = try device("0000:02:01.0", in: tree)
    #expect(nvme.capabilities.allSatisfy { !$0.isExtended })
    #expect(tree.parent(of: nvme)?.identity == "1b36:000e")
  }

  @Test func survivesJSON() throws {
    let tree = try Fixture.tree("every-model")
    let copy = try JSONDecoder().decode(PCITree.self, from: JSONEncoder().encode(tree))
    #expect(copy == tree)
  }

  @Test func drawsWhatTheGuestHas() throws {
    let diagram = try Fixture.tree("switch").diagram(
      title: "realised", topology: Fixture.simple(throughSwitch: true))
    let text = diagram.text()
    #expect(text.contains("├─ rp0  root port\n"))
    #expect(text.contains("└─ gpu0  GPU\n"))
    #expect(text.contains("BAR 2: 64MiB at 0xe0000000"))
    #expect(text.contains("0000:00:1f.2  SATA controller"))
    #expect(diagram.svg().contains("0000:04:00.0"))
  }
}
