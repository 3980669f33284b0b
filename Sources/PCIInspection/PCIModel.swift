// SPDX-License-Identifier: Apache-2.0

import Topology

/// How QEMU's device models look in configuration space.
struct PCIModel: Sendable, Hashable {
  /// The model, with its article, as a sentence names it.
  let name: String
  let vendor: UInt16
  let device: UInt16
  /// Base class and subclass.
  let deviceClass: UInt16

  /// `1b36:0010`.
  var identity: String {
    "\(Hex.text(vendor, digits: 4)):\(Hex.text(device, digits: 4))"
  }

  static let nvme = PCIModel(
    name: "an NVMe controller", vendor: 0x1B36, device: 0x0010, deviceClass: 0x0108)
  static let gpu = PCIModel(
    name: "a GPU (ivshmem)", vendor: 0x1AF4, device: 0x1110, deviceClass: 0x0500)

  static func node(_ model: PCIeNode.Model) -> PCIModel {
    switch model {
    case .rootPort:
      PCIModel(name: "a root port", vendor: 0x1B36, device: 0x000C, deviceClass: 0x0604)
    case .switchUpstream:
      PCIModel(
        name: "a switch's upstream port", vendor: 0x104C, device: 0x8232, deviceClass: 0x0604)
    case .switchDownstream:
      PCIModel(
        name: "a switch's downstream port", vendor: 0x104C, device: 0x8233, deviceClass: 0x0604)
    case .pcieToPCIBridge:
      PCIModel(name: "a PCIe-to-PCI bridge", vendor: 0x1B36, device: 0x000E, deviceClass: 0x0604)
    case .expanderBus:
      PCIModel(name: "an expander bus", vendor: 0x1B36, device: 0x000B, deviceClass: 0x0600)
    }
  }

  /// The model of each node and device of a topology, by id.
  static func all(of topology: Topology) -> [String: PCIModel] {
    let pairs =
      topology.pcie.map { ($0.id, node($0.model)) } + topology.nvme.map { ($0.id, nvme) }
      + topology.gpus.map { ($0.id, gpu) }
    return Dictionary(pairs) { first, _ in first }
  }
}
