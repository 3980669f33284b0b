// SPDX-License-Identifier: Apache-2.0

import Foundation

/// The PCI devices that a guest really has, and which bridge each is below.
public struct PCITree: Sendable, Hashable, Codable {
  /// All functions, by address.
  public let devices: [PCIDevice]

  /// Makes a tree; of two devices with one address the first counts.
  public init(devices: [PCIDevice]) {
    var seen: Set<PCIAddress> = []
    self.devices = devices.filter { seen.insert($0.address).inserted }
      .sorted { $0.address < $1.address }
  }

  /// Reads a dump file, of 4 MiB at most.
  public static func load(path: String) throws(PCIDumpError) -> PCITree {
    let data: Data
    do {
      let handle = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
      defer { try? handle.close() }
      data = try handle.read(upToCount: PCIDump.maximumSize + 1) ?? Data()
    } catch {
      throw PCIDumpError(file: path, message: "the file can't be read")
    }
    do {
      return try read(bytes: [UInt8](data))
    } catch {
      throw PCIDumpError(file: path, line: error.line, message: error.message)
    }
  }

  /// Reads the text of a dump, in the format that `lspci -F` reads, with `Region` lines for sizes.
  public static func read(dump text: String) throws(PCIDumpError) -> PCITree {
    try read(bytes: Array(text.utf8))
  }

  /// Reads the bytes of a dump.
  static func read(bytes: [UInt8]) throws(PCIDumpError) -> PCITree {
    PCITree(devices: try LibPCI.devices(of: try PCIDump(text: bytes)))
  }

  /// The device at an address.
  public func device(at address: PCIAddress) -> PCIDevice? {
    devices.first { $0.address == address }
  }

  /// The bridge that a device is below; nil on a root bus.
  public func parent(of device: PCIDevice) -> PCIDevice? {
    bridge(above: device.address.bus, domain: device.address.domain)
  }

  /// The devices right below a bridge.
  public func children(of bridge: PCIDevice) -> [PCIDevice] {
    guard let bus = bridge.buses?.secondary,
      self.bridge(above: bus, domain: bridge.address.domain)?.address == bridge.address
    else { return [] }
    return devices.filter {
      $0.address.bus == bus && $0.address.domain == bridge.address.domain
    }
  }

  /// The devices that are below no bridge, on the first root bus or on an expander's.
  public var roots: [PCIDevice] {
    devices.filter { parent(of: $0) == nil }
  }

  /// The bus numbers of a domain that belong to no bridge: the host's own and the expanders'.
  public func rootBuses(domain: UInt16 = 0) -> [UInt8] {
    Set(roots.filter { $0.address.domain == domain }.map(\.address.bus)).sorted()
  }

  /// The device and BAR that decode a bus address.
  public func barContaining(_ busAddress: UInt64) -> (device: PCIDevice, bar: PCIBAR)? {
    for device in devices {
      for bar in device.bars where bar.contains(busAddress) { return (device, bar) }
    }
    return nil
  }

  /// A bridge counts as one only if it leads to a higher bus: whatever numbers a guest makes up,
  /// walking up or down then comes to an end.
  private func bridge(above bus: UInt8, domain: UInt16) -> PCIDevice? {
    devices.first {
      $0.address.domain == domain && $0.address.bus < bus && $0.buses?.secondary == bus
    }
  }
}
