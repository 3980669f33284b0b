// SPDX-License-Identifier: Apache-2.0

/// All that bus addresses lead to: each address to the first port that owns it.
///
/// `@unchecked Sendable`: never changes; the addresses are those of mappings that `ports` keep.
final class PortTable: @unchecked Sendable {
  /// What a bus address leads to.
  struct Destination {
    var kind: DMAPortKind
    /// Index of the port, -1 for none.
    var port: Int
    /// The byte at the address, if it is mapped.
    var pointer: UnsafeMutableRawPointer?
    /// The address as the log has it.
    var logged: UInt64
    /// Bytes that lead to the same place.
    var length: Int
  }

  private struct Entry {
    let start: UInt64
    let size: UInt64
    let port: Int
    let kind: DMAPortKind
    let base: UnsafeMutableRawPointer?
    let logOffset: UInt64
  }

  private let entries: [Entry]
  private let ports: [any DMAPort]
  /// Index of the port that reaches whatever is on the bus, system memory too, whoever owns it.
  let bus: Int?

  init(_ ports: [any DMAPort]) {
    bus = ports.firstIndex { $0.kind == .bus }
    var entries: [Entry] = []
    for (index, port) in ports.enumerated() {
      for region in port.regions where region.size > 0 {
        entries.append(
          Entry(
            start: region.start, size: region.size, port: index, kind: port.kind,
            base: region.window?.base, logOffset: port.logOffset))
      }
    }
    self.entries = entries
    self.ports = ports
  }

  /// Where the first of `count` bytes from `address` on lead, and how many of them do.
  func resolve(_ address: UInt64, count: Int) -> Destination {
    var length = UInt64(truncatingIfNeeded: count)
    for entry in entries {
      let inside = address &- entry.start
      if address >= entry.start, inside < entry.size {
        return Destination(
          kind: entry.kind, port: entry.port,
          pointer: entry.base.map { $0 + Int(truncatingIfNeeded: inside) },
          logged: address &+ entry.logOffset,
          length: Int(truncatingIfNeeded: min(length, entry.size &- inside)))
      }
      // What an earlier port owns further on is not the later one's.
      if entry.start > address { length = min(length, entry.start &- address) }
    }
    return Destination(
      kind: .none, port: -1, pointer: nil, logged: address,
      length: Int(truncatingIfNeeded: length))
  }

  /// Reads by the port of a destination; a master abort reads all ones.
  func read(
    _ address: UInt64, port: Int, into target: UnsafeMutableRawBufferPointer
  ) throws(DMAError) {
    guard ports.indices.contains(port) else {
      target.initializeMemory(as: UInt8.self, repeating: 0xff)
      return
    }
    try ports[port].read(address, into: target)
  }

  /// Writes by the port of a destination; after a master abort nothing is written.
  func write(
    _ address: UInt64, port: Int, from source: UnsafeRawBufferPointer
  ) throws(DMAError) {
    guard ports.indices.contains(port) else { return }
    try ports[port].write(address, from: source)
  }
}
