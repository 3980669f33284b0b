// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@testable import Topology

struct TopologyParsingTests {
  @Test func readsEachValue() throws {
    let topology = try Sample.topology()
    #expect(topology.name == "sample")
    #expect(topology.summary == "A sample.")
    #expect(topology.machine == Machine(cpu: "max", vcpus: 2, memory: .gibibytes(1)))
    #expect(topology.pcie[1] == PCIeNode(id: "up0", model: .switchUpstream, bus: "rp0"))
    #expect(topology.nvme[0].cmb == .mebibytes(64))
    #expect(topology.nvme[1].pmr == .mebibytes(16))
    #expect(topology.gpus == [GPU(id: "gpu0", bus: "dp1", videoMemory: .mebibytes(256))])
    #expect(topology.limits.first?.outcome == .silentCorruption)
  }

  @Test func numbersNamespacesThroughTheWholeGuest() throws {
    let topology = try Sample.topology()
    #expect(topology.namespaces.map(\.nsid) == [1, 2, 3])
    #expect(topology.namespaces.map(\.id) == ["ns0", "ns1", "ns2"])
    #expect(topology.controller(ofNamespace: "ns2")?.id == "nvme1")
  }

  @Test func ownMemoryIsReachedInsideTheDevice() throws {
    let topology = try Sample.topology()
    #expect(topology.route(from: "nvme0", to: "nvme0") == .device)
    #expect(topology.route(from: "nvme1", to: "nvme0") == .hostBridge)
    #expect(topology.route(from: "nvme0", to: "nobody") == Route.none)
    #expect(topology.limit(from: "nvme0", to: "gpu0")?.reason == "a test")
    #expect(topology.limit(from: "nvme1", to: "gpu0") == nil)
  }

  @Test func onlyDevicesWithMemoryArePeers() throws {
    #expect(try Sample.topology().peerMemory == ["gpu0", "nvme0"])
  }

  @Test func placesChildrenWhereTheirParentHasSlots() throws {
    let yaml = Sample.changed(
      "  - {id: rp1, model: root-port}",
      to: """
          - {id: rp1, model: root-port}
          - {id: br0, model: pcie-to-pci-bridge}
          - {id: px0, model: expander-bus}
          - {id: rp2, model: root-port, bus: px0}
          - {id: rp3, model: root-port, bus: px0}
        """
    ).replacingOccurrences(of: "id: gpu0, bus: dp1", with: "id: gpu0, bus: br0")
    let topology = try Topology.parse(yaml, file: "sample.yaml")
    #expect(
      topology.placements == [
        Placement(id: "rp0", slot: 2), Placement(id: "up0", parent: "rp0", slot: 0),
        Placement(id: "dp0", parent: "up0", slot: 0), Placement(id: "dp1", parent: "up0", slot: 1),
        Placement(id: "rp1", slot: 3), Placement(id: "br0", slot: 4), Placement(id: "px0", slot: 5),
        Placement(id: "rp2", parent: "px0", slot: 0), Placement(id: "rp3", parent: "px0", slot: 1),
        Placement(id: "nvme0", parent: "dp0", slot: 0),
        Placement(id: "nvme1", parent: "rp1", slot: 0),
        Placement(id: "gpu0", parent: "br0", slot: 1),
      ])
  }

  @Test func acceptsAParentThatStandsLater() throws {
    let yaml = Sample.changed(
      "pcie:\n  - {id: rp0, model: root-port}\n  - {id: up0, model: switch-upstream, bus: rp0}",
      to: "pcie:\n  - {id: up0, model: switch-upstream, bus: rp0}\n  - {id: rp0, model: root-port}")
    #expect(try Topology.parse(yaml, file: "sample.yaml").placements.first?.id == "up0")
  }

  @Test func leavesOutWhatHasADefault() throws {
    let topology = try Topology.parse(
      """
      crossbar: topology/1
      name: least
      summary: As little as there can be.
      machine: {cpu: EPYC, vcpus: 1, memory: 512MiB}
      nvme:
        - {id: n, namespaces: [{id: s, size: 64MiB, lba: 512, filesystem: ext4}]}
      """, file: "least.yaml")
    #expect(topology.machine.iommu == IOMMU.none)
    #expect(topology.pcie.isEmpty && topology.gpus.isEmpty && topology.routes.isEmpty)
    #expect(topology.placements == [Placement(id: "n", slot: 2)])
  }

  @Test func survivesJSON() throws {
    let topology = try Sample.topology()
    let copy = try JSONDecoder().decode(Topology.self, from: JSONEncoder().encode(topology))
    #expect(copy == topology)
  }

  @Test(
    arguments: [
      ("64MiB", 64 << 20), ("1GiB", 1 << 30), ("3KiB", 3072), ("1000", 1000), ("1000B", 1000),
      ("16777215TiB", 16_777_215 << 40),
    ] as [(String, UInt64)])
  func readsBinaryUnits(text: String, bytes: UInt64) {
    #expect(ByteCount(parsing: text)?.bytes == bytes)
  }

  @Test(arguments: [
    "", "MiB", "64MB", "64M", "64 MiB", "-1", "1.5GiB", "16777216TiB", "99999999999999999999", "٣",
  ])
  func refusesOtherSizes(text: String) {
    #expect(ByteCount(parsing: text) == nil)
  }

  @Test(
    arguments: [
      (64 << 20, "64MiB"), (1 << 40, "1TiB"), (0, "0B"), (1000, "1000B"), (1536, "1536B"),
      (3072, "3KiB"), (1 << 50, "1024TiB"),
    ] as [(UInt64, String)])
  func writesTheLargestUnitThatDivides(bytes: UInt64, text: String) {
    #expect(ByteCount(bytes: bytes).description == text)
  }
}
