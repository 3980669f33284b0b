// SPDX-License-Identifier: Apache-2.0

import PCIInspection
import Topology

extension PCITree {
  /// Bus addresses of a peer's memory: video memory and the CMB are both in BAR 2
  /// (QEMU: ivshmem-spec.rst, hw/nvme/ctrl.c).
  ///
  /// - Throws: `EnvironmentError` if it has none.
  func peerMemory(of id: String, in topology: Topology) throws -> Range<UInt64> {
    guard let address = resolve(topology)[id], let range = device(at: address)?.bar(2)?.range else {
      throw EnvironmentError("The guest's tree has no BAR 2 for \(id): see pci.txt.")
    }
    return range
  }
}
