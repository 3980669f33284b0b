// SPDX-License-Identifier: Apache-2.0

import PCIInspection
import Topology
import Verification

extension BusMap {
  /// The bus of a guest, by its configuration space.
  ///
  /// - Throws: `EnvironmentError` if a device lacks the BAR that its peers reach.
  init(topology: Topology, tree: PCITree) throws {
    let addresses = tree.resolve(topology)
    var blockSizes: [UInt32: UInt64] = [:]
    var requesters: [UInt32: RequesterID] = [:]
    for controller in topology.nvme {
      for namespace in controller.namespaces {
        blockSizes[namespace.nsid] = UInt64(clamping: namespace.lba)
        requesters[namespace.nsid] = addresses[controller.id].map {
          RequesterID(bus: $0.bus, device: $0.device, function: $0.function)
        }
      }
    }
    self.init(
      peers: Dictionary(
        uniqueKeysWithValues: try topology.peerMemory.map {
          ($0, try tree.peerMemory(of: $0, in: topology))
        }),
      memory: SystemMemory.ranges(size: topology.machine.memory.bytes),
      blockSizes: blockSizes, requesters: requesters)
  }
}

/// Where a q35 machine has its system memory (QEMU, hw/i386/pc_q35.c).
enum SystemMemory {
  /// Bus addresses of `size` bytes of memory: below 4 GiB as far as there is room, the rest above.
  static func ranges(size: UInt64) -> [Range<UInt64>] {
    let room: UInt64 = size >= 0xB000_0000 ? 0x8000_0000 : 0xB000_0000
    guard size > room else { return [0..<size] }
    let four: UInt64 = 1 << 32
    return [0..<room, four..<four + (size - room)]
  }
}
