// SPDX-License-Identifier: Apache-2.0

import Foundation
import Topology

@testable import PCIInspection

/// Dumps that pcidump made in guests of Linux 7.2 under QEMU 7.2, and texts made of them.
enum Fixture {
  static func path(_ name: String) -> String {
    Bundle.module.bundleURL.appending(path: "Fixtures/\(name)").path()
  }

  static func dump(_ name: String) throws -> String {
    try String(contentsOfFile: path("\(name).pci.txt"), encoding: .utf8)
  }

  static func tree(_ name: String) throws -> PCITree {
    try PCITree.load(path: path("\(name).pci.txt"))
  }

  /// The topology that the dump `every-model` was made with.
  static func everyModel() throws -> Topology {
    try Topology.load(path: path("every-model.yaml"))
  }

  /// The topology that the dumps `switch` and, with other ports, `root-ports` were made with.
  static func simple(throughSwitch: Bool) -> Topology {
    let ports =
      throughSwitch
      ? [
        PCIeNode(id: "rp0", model: .rootPort),
        PCIeNode(id: "up0", model: .switchUpstream, bus: "rp0"),
        PCIeNode(id: "dp0", model: .switchDownstream, bus: "up0"),
        PCIeNode(id: "dp1", model: .switchDownstream, bus: "up0"),
      ]
      : [PCIeNode(id: "dp0", model: .rootPort), PCIeNode(id: "dp1", model: .rootPort)]
    let volume = Namespace(
      id: "ns0", nsid: 1, size: .mebibytes(256), lba: 512, filesystem: .ext4)
    return Topology(
      name: "simple", summary: "Simple.",
      machine: Machine(cpu: "max", vcpus: 2, memory: .gibibytes(1)), pcie: ports,
      nvme: [
        NVMeController(id: "nvme0", bus: "dp0", cmb: .mebibytes(64), namespaces: [volume])
      ], gpus: [GPU(id: "gpu0", bus: "dp1", videoMemory: .mebibytes(256))])
  }

  /// A dump of one device from its configuration space.
  static func dump(address: String = "0000:00:02.0", config: [UInt8]) -> String {
    var text = "\(address) device"
    for (offset, byte) in config.enumerated() {
      if offset % 16 == 0 { text += "\n" + Hex.text(UInt16(offset), digits: 2) + ":" }
      text += " " + Hex.text(byte, digits: 2)
    }
    return text + "\n\n"
  }

  /// A type 0 or 1 header of 256 bytes.
  static func header(bridgeTo secondary: UInt8? = nil) -> [UInt8] {
    var config = [UInt8](repeating: 0, count: 256)
    config.replaceSubrange(0..<4, with: [0x36, 0x1B, 0x0C, 0x00])
    config[4] = 0x06
    if let secondary {
      config[0x0A] = 0x04
      config[0x0B] = 0x06
      config[0x0E] = 1
      config[0x19] = secondary
      config[0x1A] = 0xFF
    }
    return config
  }
}
