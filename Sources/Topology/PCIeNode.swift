// SPDX-License-Identifier: Apache-2.0

/// A port, switch or bridge: something that other devices are plugged below.
public struct PCIeNode: Sendable, Hashable, Codable {
  /// The name that `bus:` of a child refers to.
  public var id: String
  /// What kind of node it is.
  public var model: Model
  /// The node above, nil for the root complex.
  public var bus: String?
  /// Whether a root port shows Access Control Services; nil leaves QEMU's default, which is yes.
  public var acs: Bool?

  /// Makes a node.
  public init(id: String, model: Model, bus: String? = nil, acs: Bool? = nil) {
    self.id = id
    self.model = model
    self.bus = bus
    self.acs = acs
  }

  /// The numbers of expander buses' root buses, in the order of the topology. Each has those up to
  /// the next one's for the buses below it (bus numbers have 8 bits).
  public static let expanderBusNumbers: [UInt8] = [0x40, 0x60, 0x80, 0xA0, 0xC0, 0xE0]

  /// The kinds of nodes, by the names that a topology file has for them.
  public enum Model: String, Sendable, Hashable, Codable, CaseIterable {
    /// QEMU's `pcie-root-port`.
    case rootPort = "root-port"
    /// QEMU's `x3130-upstream`.
    case switchUpstream = "switch-upstream"
    /// QEMU's `xio3130-downstream`.
    case switchDownstream = "switch-downstream"
    /// QEMU's `pcie-pci-bridge`; conventional PCI below.
    case pcieToPCIBridge = "pcie-to-pci-bridge"
    /// QEMU's `pxb-pcie`: a second root bus.
    case expanderBus = "expander-bus"
  }
}
