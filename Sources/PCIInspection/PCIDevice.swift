// SPDX-License-Identifier: Apache-2.0

/// One PCI function as its configuration space shows it.
public struct PCIDevice: Sendable, Hashable, Codable {
  /// Where it is.
  public let address: PCIAddress
  /// The vendor identifier.
  public let vendor: UInt16
  /// The vendor's identifier of the device.
  public let device: UInt16
  /// Base class and subclass, as in 0x0108.
  public let deviceClass: UInt16
  /// The programming interface, the class code's lowest byte.
  public let programmingInterface: UInt8
  /// The header's layout, 0 for a device and 1 for a bridge.
  public let headerType: UInt8
  /// Subsystem vendor and device, for header type 0.
  public let subsystem: Subsystem?
  /// Bus numbers, for header type 1.
  public let buses: PCIBusNumbers?
  /// The BARs that have an address.
  public let bars: [PCIBAR]
  /// Both capability lists.
  public let capabilities: [PCICapability]
  /// Access Control Services, if the device has them.
  public let accessControl: PCIAccessControl?
  /// MSI-X, if the device has it.
  public let msix: PCIMSIX?
  /// The PCI Express capability, nil for conventional devices.
  public let express: PCIExpress?

  /// Subsystem vendor and device.
  public struct Subsystem: Sendable, Hashable, Codable {
    /// The vendor of the board.
    public let vendor: UInt16
    /// The vendor's identifier of the board.
    public let device: UInt16

    /// Makes a value.
    public init(vendor: UInt16, device: UInt16) {
      self.vendor = vendor
      self.device = device
    }
  }

  /// `1b36:0010`.
  public var identity: String {
    "\(Hex.text(vendor, digits: 4)):\(Hex.text(device, digits: 4))"
  }

  /// The BAR of an index, if it has an address.
  public func bar(_ index: Int) -> PCIBAR? {
    bars.first { $0.index == index }
  }
}
