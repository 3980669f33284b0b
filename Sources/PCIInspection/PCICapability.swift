// SPDX-License-Identifier: Apache-2.0

/// One entry of a capability list (PCIe 6.0, 7.5.3.1 and 7.6.3).
public struct PCICapability: Sendable, Hashable, Codable {
  /// The capability's identifier.
  public let id: UInt16
  /// Its offset in configuration space.
  public let offset: UInt16
  /// True in the extended list, which starts at 0x100.
  public let isExtended: Bool

  /// Makes an entry.
  public init(id: UInt16, offset: UInt16, isExtended: Bool) {
    self.id = id
    self.offset = offset
    self.isExtended = isExtended
  }
}

/// Access Control Services (PCIe 6.0, 7.7.11).
public struct PCIAccessControl: Sendable, Hashable, Codable {
  /// What the port can do, the ACS Capability Register.
  public let capability: UInt16
  /// What is turned on, the ACS Control Register.
  public let control: UInt16

  /// Makes a value of the two registers.
  public init(capability: UInt16, control: UInt16) {
    self.capability = capability
    self.control = control
  }

  /// P2P Request Redirect (bit 2), P2P Completion Redirect (bit 3) or P2P Egress Control (bit 5) is
  /// on: Linux then expects peer requests to go up to the host bridge.
  public var redirectsPeerRequests: Bool { control & 0b10_1100 != 0 }
}

/// Message-signalled interrupts with a table (PCIe 6.0, 7.7.2).
public struct PCIMSIX: Sendable, Hashable, Codable {
  /// Entries of the table, 1 to 2048.
  public let vectors: Int
  /// Whether the guest uses them.
  public let isEnabled: Bool

  /// Makes a value.
  public init(vectors: Int, isEnabled: Bool) {
    self.vectors = vectors
    self.isEnabled = isEnabled
  }
}

/// The PCI Express capability: port type and link (PCIe 6.0, 7.5.3).
public struct PCIExpress: Sendable, Hashable, Codable {
  /// What kind of port or endpoint it is.
  public let portType: PortType
  /// The fastest link that it can have.
  public let maximumLink: Link
  /// The link that it has.
  public let link: Link

  /// Makes a value.
  public init(portType: PortType, maximumLink: Link, link: Link) {
    self.portType = portType
    self.maximumLink = maximumLink
    self.link = link
  }

  /// The Device/Port Type field (PCIe 6.0, 7.5.3.2).
  public enum PortType: UInt8, Sendable, Hashable, Codable, CaseIterable {
    /// An endpoint below a port.
    case endpoint = 0
    /// An endpoint that needs I/O ports.
    case legacyEndpoint = 1
    /// A root port.
    case rootPort = 4
    /// A switch's upper side.
    case switchUpstream = 5
    /// A switch's lower side.
    case switchDownstream = 6
    /// A bridge to conventional PCI.
    case pciBridge = 7
    /// A bridge from conventional PCI.
    case reversePCIBridge = 8
    /// An endpoint on the root bus.
    case integratedEndpoint = 9
    /// An event collector on the root bus.
    case eventCollector = 10
    /// A value that the specification doesn't name.
    case unknown = 255
  }

  /// Speed and width of a link.
  public struct Link: Sendable, Hashable, Codable {
    /// The generation, 1 for 2.5 GT/s to 6 for 64 GT/s; 0 without a link.
    public let generation: Int
    /// Lanes; 0 without a link.
    public let width: Int

    /// Makes a link.
    public init(generation: Int, width: Int) {
      self.generation = generation
      self.width = width
    }
  }
}
