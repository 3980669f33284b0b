// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Reads QEMU's trace log piece by piece; pieces may end anywhere.
public struct NVMeTraceParser: Sendable {
  /// Bytes of a line that are looked at; no event is longer.
  static let lineLimit = 512
  /// Commands, addresses and translations that are kept, each.
  private let eventLimit: Int
  /// Faults that are kept: an emulated controller makes one a word.
  private static let faultLimit = 1 << 16

  private var trace = NVMeTrace()
  private var partial: [UInt8] = []
  private var sequence = 0
  private var open: NVMeTrace.PhaseKey?
  /// Data bytes that the last command still has no address for.
  private var missing: UInt64 = 0

  /// A log of which nothing has been read.
  ///
  /// - Parameter eventLimit: commands, addresses and translations that are kept, each.
  public init(eventLimit: Int = 4 << 20) {
    self.eventLimit = eventLimit
  }

  /// Takes the next piece of the log.
  public mutating func take(_ piece: UnsafeRawBufferPointer) {
    var rest = piece[...]
    while let end = Self.lineEnd(in: UnsafeRawBufferPointer(rebasing: rest)) {
      let line = UnsafeRawBufferPointer(rebasing: rest.prefix(end))
      if partial.isEmpty {
        take(line: line)
      } else {
        keep(line)
        let whole = partial
        partial.removeAll(keepingCapacity: true)
        whole.withUnsafeBytes { take(line: $0) }
      }
      rest = rest.dropFirst(end + 1)
    }
    keep(UnsafeRawBufferPointer(rebasing: rest))
  }

  /// Takes the next piece of the log.
  public mutating func take(_ text: String) {
    var text = text
    text.withUTF8 { take(UnsafeRawBufferPointer($0)) }
  }

  /// Ends the log. A line without an end counts: QEMU may have died in the middle of it.
  public mutating func finish() -> NVMeTrace {
    if !partial.isEmpty {
      let line = partial
      partial = []
      line.withUnsafeBytes { take(line: $0) }
    }
    if let open { closeWindow(open, flaw: "its end marker is missing") }
    open = nil
    return trace
  }

  private static func lineEnd(in bytes: UnsafeRawBufferPointer) -> Int? {
    guard let base = bytes.baseAddress, bytes.count > 0,
      let end = memchr(base, 0x0A, bytes.count)
    else { return nil }
    return UnsafeRawPointer(end) - base
  }

  private mutating func keep(_ bytes: UnsafeRawBufferPointer) {
    partial.append(contentsOf: bytes.prefix(max(Self.lineLimit + 1 - partial.count, 0)))
  }

  private mutating func take(line: UnsafeRawBufferPointer) {
    guard line.count <= Self.lineLimit else { return }
    switch TraceEvent.read(line) {
    case .skipped: break
    case .malformed: trace.malformedLines &+= 1
    case .event(let event):
      sequence &+= 1
      take(event)
    }
  }

  private mutating func take(_ event: TraceEvent) {
    switch event {
    case .command(let direction, let nsid, let bytes, let lba):
      missing = 0
      guard hasRoom(trace.commands.count) else { return }
      let none = trace.addresses.count..<trace.addresses.count
      trace.commands.append(
        .init(
          direction: direction, nsid: nsid, bytes: bytes, lba: lba, addresses: none,
          mappedBytes: 0, sequence: sequence))
      missing = bytes
    case .dataless: missing = 0
    case .address(let address, let length): take(address, length)
    case .marker(let key, let isEnd):
      missing = 0
      if isEnd { end(key) } else { begin(key) }
    case .translation(var translation):
      guard hasRoom(trace.translations.count) else { return }
      translation.sequence = sequence
      trace.translations.append(translation)
    case .fault(var fault):
      trace.faultCount &+= 1
      guard trace.faults.count < Self.faultLimit else { return }
      fault.sequence = sequence
      trace.faults.append(fault)
    }
  }

  /// Addresses follow their command. What comes when its data is complete belongs to a command of
  /// another kind, whose own event is not in the log.
  private mutating func take(_ address: UInt64, _ length: UInt64) {
    guard missing > 0, let last = trace.commands.indices.last, hasRoom(trace.addresses.count)
    else { return }
    let taken = min(length, missing)
    missing -= taken
    trace.addresses.append(.init(address: address, length: taken))
    trace.commands[last].mappedBytes += taken
    trace.commands[last].addresses =
      trace.commands[last].addresses.lowerBound..<trace.addresses.count
  }

  private mutating func hasRoom(_ count: Int) -> Bool {
    if count < eventLimit { return true }
    trace.isTruncated = true
    return false
  }

  private mutating func begin(_ key: NVMeTrace.PhaseKey) {
    if let open { closeWindow(open, flaw: "another phase begins before its end") }
    let isSecond = trace.windows[key] != nil
    trace.windows[key] = NVMeTrace.Window(
      commands: trace.commands.count..<trace.commands.count,
      translations: trace.translations.count..<trace.translations.count,
      faults: trace.faults.count..<trace.faults.count,
      flaw: isSecond ? "it begins twice" : nil)
    open = key
  }

  private mutating func end(_ key: NVMeTrace.PhaseKey) {
    if open == key {
      closeWindow(key, flaw: nil)
    } else {
      trace.windows[key]?.flaw = "it ends twice"
      if let open { closeWindow(open, flaw: "another phase ends before its end") }
    }
    open = nil
  }

  private mutating func closeWindow(_ key: NVMeTrace.PhaseKey, flaw: String?) {
    guard var window = trace.windows[key] else { return }
    window.commands = window.commands.lowerBound..<trace.commands.count
    window.translations = window.translations.lowerBound..<trace.translations.count
    window.faults = window.faults.lowerBound..<trace.faults.count
    window.flaw =
      window.flaw ?? flaw ?? (trace.isTruncated ? "the trace is too long to be kept" : nil)
    trace.windows[key] = window
  }
}
