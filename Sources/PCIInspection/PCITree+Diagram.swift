// SPDX-License-Identifier: Apache-2.0

import Topology

extension PCITree {
  /// The tree as the guest has it.
  ///
  /// - Parameters:
  ///   - title: what stands above the drawing.
  ///   - topology: what was asked for; its ids then stand beside the addresses.
  public func diagram(title: String, topology: Topology? = nil) -> PCIeDiagram {
    var names: [PCIAddress: String] = [:]
    if let topology {
      for (id, address) in resolve(topology) { names[address] = id }
    }
    let buses = Set(devices.map { RootBus(domain: $0.address.domain, bus: $0.address.bus) })
    let roots = roots
    let drawn = buses.sorted { ($0.domain, $0.bus) < ($1.domain, $1.bus) }.compactMap {
      rootBus -> PCIeDiagram.Node? in
      let below = roots.filter {
        $0.address.domain == rootBus.domain && $0.address.bus == rootBus.bus
      }
      guard !below.isEmpty else { return nil }
      let number = "\(Hex.text(rootBus.domain, digits: 4)):\(Hex.text(rootBus.bus, digits: 2))"
      return PCIeDiagram.Node(
        label: "root bus", model: number, kind: .root, children: below.map { node($0, names) })
    }
    return PCIeDiagram(title: title, roots: drawn)
  }

  /// A bus that no bridge leads to.
  private struct RootBus: Hashable {
    let domain: UInt16
    let bus: UInt8
  }

  private func node(_ device: PCIDevice, _ names: [PCIAddress: String]) -> PCIeDiagram.Node {
    var details: [String] = []
    if names[device.address] != nil { details.append(device.address.description) }
    details.append(device.identity)
    if let buses = device.buses {
      let first = Hex.text(buses.secondary, digits: 2)
      let last = Hex.text(buses.subordinate, digits: 2)
      details.append(first == last ? "bus \(first)" : "buses \(first) to \(last)")
    }
    if let link = device.express?.link, link.width > 0 {
      details.append("link x\(link.width), generation \(link.generation)")
    }
    if let control = device.accessControl {
      details.append(control.redirectsPeerRequests ? "ACS, redirects peers" : "ACS")
    }
    if let vectors = device.msix?.vectors {
      details.append("MSI-X, \(vectors) \(vectors == 1 ? "vector" : "vectors")")
    }
    details += device.bars.map { bar in
      let size = bar.size.map { "\(ByteCount(bytes: $0))" } ?? "unknown size"
      let place = "\(bar.space == .io ? "port " : "")0x\(String(bar.base, radix: 16))"
      return "BAR \(bar.index): \(size) at \(place)"
    }
    return PCIeDiagram.Node(
      label: names[device.address] ?? device.address.description,
      model: Self.name(of: device), details: details, kind: Self.kind(of: device),
      children: children(of: device).map { node($0, names) })
  }

  private static func kind(of device: PCIDevice) -> PCIeDiagram.Kind {
    if device.buses != nil { return .bridge }
    if device.deviceClass == PCIModel.nvme.deviceClass { return .nvme }
    if device.identity == PCIModel.gpu.identity { return .gpu }
    return .other
  }

  /// What a device is, by port type or class code (PCI Code and ID Assignment 1.16, 1).
  private static func name(of device: PCIDevice) -> String {
    if device.identity == PCIModel.gpu.identity { return "GPU" }
    switch device.express?.portType {
    case .rootPort: return "root port"
    case .switchUpstream: return "switch upstream port"
    case .switchDownstream: return "switch downstream port"
    case .pciBridge: return "PCIe-to-PCI bridge"
    default: break
    }
    switch device.deviceClass {
    case 0x0106: return "SATA controller"
    case 0x0108: return "NVMe controller"
    case 0x0500: return "RAM"
    case 0x0600: return "host bridge"
    case 0x0601: return "ISA bridge"
    case 0x0604: return "PCI bridge"
    case 0x0780: return "communication controller"
    case 0x0C05: return "SMBus"
    default: return "class \(Hex.text(device.deviceClass, digits: 4))"
    }
  }
}
