// SPDX-License-Identifier: Apache-2.0

import CLibPCI
import Glibc

/// Reads devices out of a checked dump with libpci. The only place that touches its pointers.
enum LibPCI {
  /// The devices of a dump, in no particular order.
  static func devices(of dump: PCIDump) throws(PCIDumpError) -> [PCIDevice] {
    let file = try memoryFile(dump.normalised)
    defer { close(file) }
    let access = try open(path: "/proc/self/fd/\(file)")
    defer { pci_cleanup(access) }
    let regions = Dictionary(
      dump.entries.map { ($0.address, $0.regions) }, uniquingKeysWith: { first, _ in first })
    var devices: [PCIDevice] = []
    var next = access.pointee.devices
    // libpci links one device for each address that the dump has.
    while let pointer = next, devices.count < dump.entries.count {
      next = pointer.pointee.next
      guard let address = address(of: pointer) else { continue }
      devices.append(device(pointer, at: address, regions: regions[address] ?? [:]))
    }
    return devices
  }

  /// Opens a dump; the caller gives it back with `pci_cleanup`.
  static func open(path: String) throws(PCIDumpError) -> UnsafeMutablePointer<pci_access> {
    var message = [CChar](repeating: 0, count: 256)
    guard let access = crossbar_pci_open_dump(path, &message, message.count) else {
      let bytes = message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
      throw PCIDumpError(message: "libpci refuses it: \(String(decoding: bytes, as: UTF8.self))")
    }
    return access
  }

  /// An anonymous file with the text in it: libpci wants a path, and no file is to be left behind.
  private static func memoryFile(_ text: [UInt8]) throws(PCIDumpError) -> CInt {
    let file = crossbar_pci_memory_file("pci-dump")
    guard file >= 0 else {
      throw PCIDumpError(message: "no memory file for libpci: \(String(cString: strerror(errno)))")
    }
    var written = 0
    while written < text.count {
      let count = text[written...].withUnsafeBytes { write(file, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else {
        let reason = String(cString: strerror(errno))
        close(file)
        throw PCIDumpError(message: "the memory file for libpci can't be written: \(reason)")
      }
      written += count
    }
    return file
  }

  private static func address(of pointer: UnsafeMutablePointer<pci_dev>) -> PCIAddress? {
    guard let domain = UInt16(exactly: pointer.pointee.domain) else { return nil }
    return PCIAddress(
      domain: domain, bus: pointer.pointee.bus, device: pointer.pointee.dev,
      function: pointer.pointee.func)
  }

  private static func device(
    _ pointer: UnsafeMutablePointer<pci_dev>, at address: PCIAddress,
    regions: [Int: PCIDump.Region]
  ) -> PCIDevice {
    let wanted =
      PCI_FILL_IDENT | PCI_FILL_CLASS | PCI_FILL_BASES | PCI_FILL_CAPS | PCI_FILL_EXT_CAPS
    pci_fill_info(pointer, wanted)
    let capabilities = capabilities(of: pointer)
    let headerType = pci_read_byte(pointer, PCI_HEADER_TYPE) & 0x7F
    return PCIDevice(
      address: address, vendor: pointer.pointee.vendor_id, device: pointer.pointee.device_id,
      deviceClass: pointer.pointee.device_class,
      programmingInterface: pci_read_byte(pointer, PCI_CLASS_PROG), headerType: headerType,
      subsystem: headerType == PCI_HEADER_TYPE_NORMAL
        ? PCIDevice.Subsystem(
          vendor: pci_read_word(pointer, PCI_SUBSYSTEM_VENDOR_ID),
          device: pci_read_word(pointer, PCI_SUBSYSTEM_ID)) : nil,
      buses: headerType == PCI_HEADER_TYPE_BRIDGE
        ? PCIBusNumbers(
          primary: pci_read_byte(pointer, PCI_PRIMARY_BUS),
          secondary: pci_read_byte(pointer, PCI_SECONDARY_BUS),
          subordinate: pci_read_byte(pointer, PCI_SUBORDINATE_BUS)) : nil,
      bars: bars(of: pointer, regions: regions), capabilities: capabilities,
      accessControl: find(PCI_EXT_CAP_ID_ACS, extended: true, in: capabilities).map {
        PCIAccessControl(
          capability: pci_read_word(pointer, $0 + PCI_ACS_CAP),
          control: pci_read_word(pointer, $0 + PCI_ACS_CTRL))
      },
      msix: find(PCI_CAP_ID_MSIX, extended: false, in: capabilities).map {
        let control = pci_read_word(pointer, $0 + 2)
        return PCIMSIX(
          vectors: Int(control & 0x7FF) + 1, isEnabled: control & UInt16(PCI_MSIX_ENABLE) != 0)
      },
      express: find(PCI_CAP_ID_EXP, extended: false, in: capabilities).map {
        express(of: pointer, at: $0)
      })
  }

  private static func bars(
    of pointer: UnsafeMutablePointer<pci_dev>, regions: [Int: PCIDump.Region]
  ) -> [PCIBAR] {
    let registers = withUnsafeBytes(of: pointer.pointee.base_addr) {
      Array($0.bindMemory(to: pciaddr_t.self))
    }
    var bars: [PCIBAR] = []
    for (index, register) in registers.enumerated() {
      let flags = UInt64(register)
      let isIO = flags & UInt64(PCI_BASE_ADDRESS_SPACE_IO) != 0
      let base = isIO ? flags & 0xFFFF_FFFC : flags & ~0xF
      guard base != 0 else { continue }
      let isWide =
        flags & UInt64(PCI_BASE_ADDRESS_MEM_TYPE_MASK) == UInt64(PCI_BASE_ADDRESS_MEM_TYPE_64)
      // A size belongs to the address that the kernel gave with it, and to no other.
      let size = regions[index].flatMap { $0.base == base ? $0.size : nil }
      bars.append(
        PCIBAR(
          index: index, base: base, size: size, space: isIO ? .io : isWide ? .memory64 : .memory32,
          isPrefetchable: !isIO && flags & UInt64(PCI_BASE_ADDRESS_MEM_PREFETCH) != 0))
    }
    return bars
  }

  /// libpci ends its walk at an entry that it has already seen, so the lists are finite.
  private static func capabilities(
    of pointer: UnsafeMutablePointer<pci_dev>
  ) -> [PCICapability] {
    var found: [PCICapability] = []
    var next = pointer.pointee.first_cap
    while let entry = next {
      next = entry.pointee.next
      found.append(
        PCICapability(
          id: entry.pointee.id, offset: UInt16(truncatingIfNeeded: entry.pointee.addr),
          isExtended: entry.pointee.type == PCI_CAP_EXTENDED))
    }
    return found.sorted { $0.offset < $1.offset }
  }

  /// The offset of the first capability with an identifier.
  private static func find(
    _ id: CInt, extended: Bool, in capabilities: [PCICapability]
  ) -> CInt? {
    capabilities.first { CInt($0.id) == id && $0.isExtended == extended }.map { CInt($0.offset) }
  }

  private static func express(
    of pointer: UnsafeMutablePointer<pci_dev>, at offset: CInt
  ) -> PCIExpress {
    let flags = pci_read_word(pointer, offset + PCI_EXP_FLAGS)
    let type = UInt8(truncatingIfNeeded: (flags & UInt16(PCI_EXP_FLAGS_TYPE)) >> 4)
    // Both registers have the speed in bits 3:0 and the width in bits 9:4.
    func link(_ register: UInt32) -> PCIExpress.Link {
      PCIExpress.Link(generation: Int(register & 0xF), width: Int(register >> 4 & 0x3F))
    }
    return PCIExpress(
      portType: PCIExpress.PortType(rawValue: type) ?? .unknown,
      maximumLink: link(pci_read_long(pointer, offset + PCI_EXP_LNKCAP)),
      link: link(UInt32(pci_read_word(pointer, offset + PCI_EXP_LNKSTA))))
  }
}
