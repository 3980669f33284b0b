// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Reads the text of the kernel's tracefs files `trace` and `trace_pipe`
/// (Linux, Documentation/trace/ftrace.rst, "The File System").
public struct DriverTraceParser: Sendable {
  /// Bytes of a line that are looked at; no event is longer.
  static let lineLimit = 1024
  private static let entryLimit = 32 << 20
  private static let wrongLineLimit = 20

  private var trace = DriverTrace()
  private var partial: [UInt8] = []
  private var line = 0

  /// A trace of which nothing has been read.
  public init() {}

  /// Takes the next piece of the trace.
  public mutating func take(_ piece: UnsafeRawBufferPointer) {
    var rest = piece[...]
    while let end = rest.firstIndex(of: 0x0A) {
      let whole = UnsafeRawBufferPointer(rebasing: rest[..<end])
      if partial.isEmpty {
        take(line: whole)
      } else {
        keep(whole)
        let joined = partial
        partial.removeAll(keepingCapacity: true)
        joined.withUnsafeBytes { take(line: $0) }
      }
      rest = rest[(end + 1)...]
    }
    keep(UnsafeRawBufferPointer(rebasing: rest))
  }

  /// Ends the trace.
  public mutating func finish() -> DriverTrace {
    if !partial.isEmpty {
      let rest = partial
      partial = []
      rest.withUnsafeBytes { take(line: $0) }
    }
    order()
    return trace
  }

  /// `trace_pipe` looks into one processor's buffer after the other: what came to the first one
  /// meanwhile is told too late.
  private mutating func order() {
    let entries = trace.entries
    let isOrdered = zip(entries, entries.dropFirst()).allSatisfy {
      $0.microseconds <= $1.microseconds
    }
    guard !isOrdered else { return }
    let order = entries.indices.sorted {
      (entries[$0].microseconds, $0) < (entries[$1].microseconds, $1)
    }
    trace.entries = order.map { entries[$0] }
  }

  private mutating func keep(_ bytes: UnsafeRawBufferPointer) {
    partial.append(contentsOf: bytes.prefix(max(Self.lineLimit - partial.count, 0)))
  }

  private mutating func take(line whole: UnsafeRawBufferPointer) {
    line &+= 1
    let bytes = UnsafeRawBufferPointer(rebasing: whole.prefix(Self.lineLimit))
    guard let first = bytes.first else { return }
    if first == UInt8(ascii: "#") { return takeHeader(bytes) }
    if let lost = Self.lost(bytes) {
      trace.lostEvents = trace.lostEvents.addingReportingOverflow(lost).partialValue
      return
    }
    takeEvent(bytes)
  }

  /// `# entries-in-buffer/entries-written: 140080/250280   #P:4`: what was written and is not in the
  /// buffer any more has been overwritten.
  private mutating func takeHeader(_ bytes: UnsafeRawBufferPointer) {
    var scanner = TraceScanner(bytes)
    guard scanner.literal("# entries-in-buffer/entries-written: "),
      let kept = scanner.decimal(), scanner.literal("/"), let written = scanner.decimal()
    else { return }
    if written > kept { trace.lostEvents &+= written - kept }
  }

  /// `CPU:1 [LOST 123 EVENTS]`; without a number, `CPU:1 [LOST EVENTS]`, at least one.
  private static func lost(_ bytes: UnsafeRawBufferPointer) -> UInt64? {
    var scanner = TraceScanner(bytes)
    guard scanner.literal("CPU:"), scanner.decimal() != nil, scanner.literal(" [LOST ") else {
      return nil
    }
    return max(scanner.decimal() ?? 1, 1)
  }

  /// The name of a task may hold anything: an event begins behind a time stamp, and the first place
  /// where one can be read is it.
  private mutating func takeEvent(_ bytes: UnsafeRawBufferPointer) {
    var looksLikeOne = false
    var place = 0
    while let colon = Self.find(": ivgpu_", in: bytes, from: place) {
      place = colon + 1
      guard let stamp = Self.stamp(endingAt: colon, in: bytes) else { continue }
      var scanner = TraceScanner(UnsafeRawBufferPointer(rebasing: bytes[(colon + 2)...]))
      switch DriverTraceLine.read(&scanner) {
      case .event(let requester, let space, let event):
        guard trace.entries.count < Self.entryLimit else {
          trace.isTruncated = true
          return
        }
        trace.entries.append(
          .init(
            line: line, microseconds: stamp, requester: requester, addressSpace: space,
            event: event))
        return
      case .wrong: looksLikeOne = true
      case .other: break
      }
    }
    guard looksLikeOne else { return }
    trace.wrongLineCount &+= 1
    if trace.wrongLines.count < Self.wrongLineLimit { trace.wrongLines.append(line) }
  }

  private static func find(
    _ text: StaticString, in bytes: UnsafeRawBufferPointer, from start: Int
  ) -> Int? {
    guard let base = bytes.baseAddress else { return nil }
    let length = text.utf8CodeUnitCount
    var start = start
    while bytes.count - start >= length,
      let found = memchr(base + start, Int32(text.utf8Start[0]), bytes.count - start)
    {
      let place = UnsafeRawPointer(found) - base
      guard bytes.count - place >= length else { return nil }
      if memcmp(base + place, text.utf8Start, length) == 0 { return place }
      start = place + 1
    }
    return nil
  }

  /// The time stamp before `end`, in microseconds; 0 for a clock that does not count seconds.
  private static func stamp(endingAt end: Int, in bytes: UnsafeRawBufferPointer) -> UInt64? {
    var start = end
    while start > 0, isDigit(bytes[start - 1]) || bytes[start - 1] == UInt8(ascii: ".") {
      start -= 1
    }
    guard start < end, start > 0, bytes[start - 1] == UInt8(ascii: " ") else { return nil }
    var scanner = TraceScanner(UnsafeRawBufferPointer(rebasing: bytes[start..<end]))
    guard let seconds = scanner.decimal() else { return nil }
    if scanner.isAtEnd { return 0 }
    guard scanner.literal("."), let micros = scanner.decimal(), scanner.isAtEnd, micros < 1_000_000
    else { return nil }
    let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000)
    return overflow ? nil : product.addingReportingOverflow(micros).partialValue
  }

  private static func isDigit(_ byte: UInt8) -> Bool {
    byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
  }
}
