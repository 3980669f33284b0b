// SPDX-License-Identifier: Apache-2.0

import Foundation
import PCIInspection
import Testing
import Topology
import Verification

@testable import Harness

@Suite struct DMABusTests {
  private static func fixture(_ name: String) -> String {
    URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "PCIInspectionTests/Fixtures/\(name)").path()
  }

  @Test func aControllersRegistersAreNotItsMemoryBuffer() throws {
    let topology = try Topology.load(path: Self.fixture("every-model.yaml"))
    let tree = try PCITree.load(path: Self.fixture("every-model.pci.txt"))
    let gpu = try #require(topology.gpus.first)
    let bus = DMABus(
      topology: topology, tree: tree, videoMemory: try tree.peerMemory(of: gpu.id, in: topology))
    #expect(bus.bars[gpu.id] == [bus.videoMemory])
    let buffers = topology.nvme.filter { $0.cmb != nil }
    #expect(!buffers.isEmpty)
    for controller in buffers {
      let buffer = try tree.peerMemory(of: controller.id, in: topology)
      #expect(bus.bars[controller.id] == [buffer])
      let registers = try #require(bus.bars["\(controller.id)'s registers"])
      #expect(!registers.isEmpty && registers.allSatisfy { !$0.overlaps(buffer) })
    }
    // Whatever a device shows belongs to somebody.
    let shown = tree.devices.flatMap(\.bars).filter { $0.space != .io }.compactMap(\.range)
    #expect(Set(bus.bars.values.flatMap(\.self)) == Set(shown))
  }
}
