// SPDX-License-Identifier: Apache-2.0

/// A line of QEMU's trace log that matters. Formats: `hw/nvme/trace-events` and
/// `hw/i386/trace-events` of QEMU 7.2.
enum TraceEvent: Hashable {
  /// `pci_nvme_read` and `pci_nvme_write`.
  case command(TransferDirection, nsid: UInt32, bytes: UInt64, lba: UInt64)
  /// A command that moves no data: what follows is not its.
  case dataless
  /// `pci_nvme_map_addr`.
  case address(UInt64, length: UInt64)
  /// `pci_nvme_getfeat` of a phase marker.
  case marker(NVMeTrace.PhaseKey, isEnd: Bool)
  /// `vtd_dmar_translate`.
  case translation(NVMeTrace.Translation)
  /// `vtd_dmar_fault`, and the first one as QEMU's error message.
  case fault(NVMeTrace.Fault)

  /// What a line says.
  enum Reading: Hashable {
    case event(TraceEvent)
    /// Another event, or a message of QEMU.
    case skipped
    /// A line that starts like an event and goes on wrongly.
    case malformed
  }

  static func read(_ line: UnsafeRawBufferPointer) -> Reading {
    var scanner = TraceScanner(line)
    scanner.skipStamp()
    if scanner.literal("pci_nvme_map_addr ") { return reading(address(&scanner)) }
    if scanner.literal("vtd_dmar_translate ") { return reading(translation(&scanner)) }
    if scanner.literal("vtd_dmar_fault ") { return reading(fault(&scanner)) }
    if scanner.literal("pci_nvme_read ") { return reading(command(.read, &scanner)) }
    if scanner.literal("pci_nvme_write ") { return reading(command(.write, &scanner)) }
    if scanner.literal("pci_nvme_getfeat ") { return marker(&scanner) }
    return failure(line).map(Reading.event) ?? .skipped
  }

  private static func reading(_ event: TraceEvent?) -> Reading {
    event.map(Reading.event) ?? .malformed
  }

  private static func address(_ scanner: inout TraceScanner) -> TraceEvent? {
    guard scanner.literal("addr 0x"), let address = scanner.hexadecimal(),
      scanner.literal(" len "), let length = scanner.decimal(), scanner.isAtEnd
    else { return nil }
    return .address(address, length: length)
  }

  private static func command(
    _ direction: TransferDirection, _ scanner: inout TraceScanner
  ) -> TraceEvent? {
    guard scanner.literal("cid "), scanner.decimal() != nil else { return nil }
    var moves = true
    if direction == .write {
      guard scanner.literal(" opname '") else { return nil }
      moves = !scanner.literal("NVME_NVM_CMD_WRITE_ZEROES")
      guard scanner.skip(behind: UInt8(ascii: "'")) else { return nil }
    }
    guard scanner.literal(" nsid "), let nsid = scanner.decimal().flatMap(UInt32.init(exactly:)),
      scanner.literal(" nlb "), scanner.decimal() != nil, scanner.literal(" count "),
      let bytes = scanner.decimal(), scanner.literal(" lba 0x"), let lba = scanner.hexadecimal(),
      scanner.isAtEnd
    else { return nil }
    return moves ? .command(direction, nsid: nsid, bytes: bytes, lba: lba) : .dataless
  }

  /// Get Features of Arbitration (NVMe Base 2.0c, 5.27.1.1) with dword 11 = 0x58, case, phase, edge.
  /// A phase of 2 is a whole case of the peer GPU.
  private static func marker(_ scanner: inout TraceScanner) -> Reading {
    guard scanner.literal("cid "), scanner.decimal() != nil, scanner.literal(" nsid 0x"),
      scanner.hexadecimal() != nil, scanner.literal(" fid 0x"),
      let feature = scanner.hexadecimal(), scanner.literal(" sel 0x"),
      scanner.hexadecimal() != nil, scanner.literal(" cdw11 0x"),
      let value = scanner.hexadecimal(), scanner.isAtEnd
    else { return .malformed }
    guard feature == 1, value >> 24 == 0x58 else { return .event(.dataless) }
    let number = Int(value >> 8 & 0xFFFF)
    let key: NVMeTrace.PhaseKey
    switch value >> 1 & 0x7F {
    case 0: key = .init(number, .direct)
    case 1: key = .init(number, .fallback)
    case 2: key = .init(gpu: number)
    default: return .event(.dataless)
    }
    return .event(.marker(key, isEnd: value & 1 == 1))
  }

  private static func translation(_ scanner: inout TraceScanner) -> TraceEvent? {
    guard scanner.literal("dev "), let bus = scanner.hexadecimal(), scanner.literal(":"),
      let device = scanner.hexadecimal(), scanner.literal("."),
      let function = scanner.hexadecimal(),
      let requester = RequesterID(bus: bus, device: device, function: function),
      scanner.literal(" iova 0x"), let iova = scanner.hexadecimal(),
      scanner.literal(" -> gpa 0x"), let address = scanner.hexadecimal(),
      scanner.literal(" mask 0x"), let mask = scanner.hexadecimal(), scanner.isAtEnd
    else { return nil }
    return .translation(
      .init(requester: requester, iova: iova, address: address, mask: mask))
  }

  private static func fault(_ scanner: inout TraceScanner) -> TraceEvent? {
    guard scanner.literal("sid 0x"),
      let requester = scanner.hexadecimal().flatMap(UInt16.init(exactly:)),
      scanner.literal(" fault "), scanner.decimal() != nil, scanner.literal(" addr 0x"),
      let address = scanner.hexadecimal(), scanner.literal(" write "),
      let write = scanner.decimal(), scanner.isAtEnd
    else { return nil }
    return .fault(
      .init(requester: RequesterID(requester), address: address, isWrite: write != 0))
  }

  /// `vtd_iommu_translate: detected translation failure (dev=03:00:00, iova=0x...)`.
  private static func failure(_ line: UnsafeRawBufferPointer) -> TraceEvent? {
    var scanner = TraceScanner(line)
    while scanner.skip(behind: UInt8(ascii: ":")) {
      guard scanner.literal(" detected translation failure (dev=") else { continue }
      guard let bus = scanner.hexadecimal(), scanner.literal(":"),
        let device = scanner.hexadecimal(), scanner.literal(":"),
        let function = scanner.hexadecimal(),
        let requester = RequesterID(bus: bus, device: device, function: function),
        scanner.literal(", iova=0x"), let address = scanner.hexadecimal()
      else { return nil }
      return .fault(.init(requester: requester, address: address, isWrite: false))
    }
    return nil
  }
}
