// SPDX-License-Identifier: Apache-2.0

/// What one event of the driver says: the formats of its TP_printk.
enum DriverTraceLine {
  /// What a line says.
  enum Reading: Hashable {
    case event(requester: UInt16, space: UInt8, DriverTrace.Event)
    /// An event of the driver that cannot be read.
    case wrong
    /// An event that nobody asks for.
    case other
  }

  /// Reads what follows the time stamp.
  static func read(_ scanner: inout TraceScanner) -> Reading {
    if scanner.literal("ivgpu_map: ") { return reading(&scanner, map) }
    if scanner.literal("ivgpu_invalidate: ") { return reading(&scanner, invalidation) }
    if scanner.literal("ivgpu_fault: ") { return reading(&scanner, fault) }
    if scanner.literal("ivgpu_submit: ") { return reading(&scanner, submit) }
    if scanner.literal("ivgpu_complete: ") { return reading(&scanner, complete) }
    if scanner.literal("ivgpu_bind: ") { return reading(&scanner, bind) }
    if scanner.literal("ivgpu_unmap: ") { return reading(&scanner, unmap) }
    if scanner.literal("ivgpu_unbind: ") { return reading(&scanner, unbind) }
    if scanner.literal("ivgpu_reset: ") { return reading(of: &scanner, reset) }
    if scanner.literal("ivgpu_die: ") { return reading(of: &scanner) { _ in .die } }
    return .other
  }

  /// An event of a device.
  private static func reading(
    of scanner: inout TraceScanner, _ body: (inout TraceScanner) -> DriverTrace.Event?
  ) -> Reading {
    guard let requester = requester(&scanner), let event = body(&scanner), scanner.isAtEnd else {
      return .wrong
    }
    return .event(requester: requester, space: AccessLog.noAddressSpace, event)
  }

  /// An event of an address space.
  private static func reading(
    _ scanner: inout TraceScanner, _ body: (inout TraceScanner) -> DriverTrace.Event?
  ) -> Reading {
    guard let requester = requester(&scanner), let space = decimal(&scanner, " as="), space < 32,
      let event = body(&scanner), scanner.isAtEnd
    else { return .wrong }
    return .event(requester: requester, space: UInt8(truncatingIfNeeded: space), event)
  }

  private static func requester(_ scanner: inout TraceScanner) -> UInt16? {
    hexadecimal(&scanner, "rid=").flatMap(UInt16.init(exactly:))
  }

  private static func reset(_ scanner: inout TraceScanner) -> DriverTrace.Event? {
    decimal(&scanner, " count=").map { _ in .reset }
  }

  private static func unbind(_ scanner: inout TraceScanner) -> DriverTrace.Event? {
    guard scanner.literal(" error="), let error = signed(&scanner),
      let index = word(&scanner, " control=")
    else { return nil }
    return .unbind(error: error, index: index)
  }

  private static func unmap(_ scanner: inout TraceScanner) -> DriverTrace.Event? {
    guard let address = hexadecimal(&scanner, " va=0x"), let pages = word(&scanner, " pages="),
      let tail = word(&scanner, " tail="),
      !address.addingReportingOverflow(UInt64(pages) << 12).overflow
    else { return nil }
    return .unmap(.init(address: address, pages: pages, tail: tail))
  }

  private static func bind(_ scanner: inout TraceScanner) -> DriverTrace.Event? {
    guard scanner.literal(" pid="), signed(&scanner) != nil,
      hexadecimal(&scanner, " root=0x") != nil
    else { return nil }
    return .bind
  }

  private static func map(_ scanner: inout TraceScanner) -> DriverTrace.Event? {
    guard let address = hexadecimal(&scanner, " va=0x"),
      let pages = word(&scanner, " pages="),
      let frame = hexadecimal(&scanner, " frame=0x"),
      let generation = decimal(&scanner, " generation="), scanner.literal(" source="),
      let source = source(&scanner), let writable = decimal(&scanner, " writable="), writable < 2,
      !address.addingReportingOverflow(UInt64(pages) << 12).overflow,
      !frame.addingReportingOverflow(UInt64(pages) << 12).overflow
    else { return nil }
    return .map(
      .init(
        address: address, pages: pages, frame: frame, generation: generation, source: source,
        isWritable: writable == 1))
  }

  private static func source(_ scanner: inout TraceScanner) -> DriverTrace.Source? {
    if scanner.literal("fallback") { return .fallback }
    if scanner.literal("direct") { return .direct }
    return scanner.literal("video") ? .video : nil
  }

  private static func invalidation(_ scanner: inout TraceScanner) -> DriverTrace.Event? {
    guard let address = hexadecimal(&scanner, " va=0x"),
      let length = hexadecimal(&scanner, " length=0x"),
      let generation = decimal(&scanner, " generation="), let index = word(&scanner, " control=")
    else { return nil }
    return .invalidation(
      .init(address: address, length: length, generation: generation, index: index))
  }

  private static func fault(_ scanner: inout TraceScanner) -> DriverTrace.Event? {
    guard let sequence = decimal(&scanner, " sequence="),
      let address = hexadecimal(&scanner, " va=0x"), hexadecimal(&scanner, " length=0x") != nil,
      decimal(&scanner, " access=") != nil, decimal(&scanner, " reason=") != nil,
      decimal(&scanner, " fence=") != nil, scanner.literal(" error="),
      let error = signed(&scanner), decimal(&scanner, " pages=") != nil
    else { return nil }
    return .fault(sequence: sequence, address: address, error: error)
  }

  private static func submit(_ scanner: inout TraceScanner) -> DriverTrace.Event? {
    guard let fence = decimal(&scanner, " fence="), let opcode = word(&scanner, " opcode=") else {
      return nil
    }
    return .submit(fence: fence, opcode: opcode)
  }

  private static func complete(_ scanner: inout TraceScanner) -> DriverTrace.Event? {
    guard let fence = decimal(&scanner, " fence="), let status = word(&scanner, " status=") else {
      return nil
    }
    return .complete(fence: fence, status: status)
  }

  private static func decimal(_ scanner: inout TraceScanner, _ name: StaticString) -> UInt64? {
    scanner.literal(name) ? scanner.decimal() : nil
  }

  private static func word(_ scanner: inout TraceScanner, _ name: StaticString) -> UInt32? {
    decimal(&scanner, name).flatMap(UInt32.init(exactly:))
  }

  private static func hexadecimal(_ scanner: inout TraceScanner, _ name: StaticString) -> UInt64? {
    scanner.literal(name) ? scanner.hexadecimal() : nil
  }

  private static func signed(_ scanner: inout TraceScanner) -> Int32? {
    let isNegative = scanner.literal("-")
    guard let number = scanner.decimal().flatMap(Int64.init(exactly:)) else { return nil }
    return Int32(exactly: isNegative ? -number : number)
  }
}
