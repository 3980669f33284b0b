// SPDX-License-Identifier: Apache-2.0

import PCIInspection
import Topology
import Verification

extension DMABus {
  /// The bus of a guest, by its configuration space, as a GPU with this video memory sees it.
  ///
  /// A device's id stands for the BAR that its peers may reach alone: a controller's registers are
  /// no Controller Memory Buffer.
  init(topology: Topology, tree: PCITree, videoMemory: Range<UInt64>) {
    let names = Dictionary(tree.resolve(topology).map { ($0.value, $0.key) }) { first, _ in first }
    var bars: [String: [Range<UInt64>]] = [:]
    for device in tree.devices {
      let name = names[device.address] ?? device.address.description
      let peer = try? tree.peerMemory(of: name, in: topology)
      for range in device.bars.filter({ $0.space != .io }).compactMap(\.range) {
        bars[range == peer ? name : "\(name)'s registers", default: []].append(range)
      }
    }
    self.init(
      bars: bars, memory: SystemMemory.ranges(size: topology.machine.memory.bytes),
      videoMemory: videoMemory)
  }
}
