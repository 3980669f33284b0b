// SPDX-License-Identifier: Apache-2.0

import Foundation

/// What the emulated NVMe controllers did, from QEMU's own trace log: an account of the path that the
/// guest has no hand in. Trace events: `hw/nvme/trace-events`, `hw/i386/trace-events` of QEMU 7.2.
public struct NVMeTrace: Sendable {
  /// Which way data moves, seen from the host computer.
  public enum Direction: String, Sendable, Hashable, Codable {
    /// Blocks to memory.
    case read
    /// Memory to blocks.
    case write
  }

  /// A stretch of the bus that a command's data moved to or from.
  public struct Mapping: Sendable, Hashable {
    /// The address that the command named: with a vIOMMU an I/O virtual address.
    public var address: UInt64
    /// Bytes.
    public var length: UInt64
    /// What the vIOMMU made of `address`, if it translated it.
    public var translated: UInt64?

    /// Where the bytes ended up on the bus.
    public var place: UInt64 { translated ?? address }
  }

  /// An I/O command and where its data went.
  public struct Command: Sendable, Hashable {
    /// Which way the data moved.
    public var direction: Direction
    /// The namespace.
    public var nsid: UInt32
    /// First logical block.
    public var lba: UInt64
    /// Bytes of data.
    public var count: UInt64
    /// Where the data moved, page by page.
    public var mappings: [Mapping] = []
  }

  /// Names a phase of a case.
  public struct PhaseKey: Sendable, Hashable {
    /// The case, from 1.
    public var number: Int
    /// Its phase.
    public var phase: Phase

    /// Names a phase.
    public init(_ number: Int, _ phase: Phase) {
      self.number = number
      self.phase = phase
    }
  }

  /// What happened between the begin and the end marker of a phase.
  public struct Window: Sendable, Hashable {
    /// In the order in which the controllers took them.
    public var commands: [Command] = []
    /// Whether the end marker was seen.
    public var isClosed = false
  }

  /// The windows of all phases.
  public private(set) var windows: [PhaseKey: Window] = [:]
  private var open: PhaseKey?
  /// Whether `map_addr` lines belong to the last command of the open window.
  private var collects = false
  /// Pages of the open window that wait for the vIOMMU: which mapping of which command.
  private var untranslated: [UInt64: (command: Int, mapping: Int)] = [:]

  /// Unit of translation: a page of 4 KiB (VT-d 3.3, 3.7).
  private static let page: UInt64 = 4096
  /// More pieces than this in one mapping are left whole: no command moves that much.
  private static let pieceLimit = 1 << 16

  /// An empty trace, to be fed.
  public init() {}

  /// Reads a whole log.
  public init(log: Data) {
    for line in log.split(separator: UInt8(ascii: "\n")) { take(line: line) }
  }

  /// Takes one line; lines of other events, and QEMU's own messages, are passed over.
  public mutating func take(line: some Collection<UInt8>) {
    let words = line.split(separator: UInt8(ascii: " "), maxSplits: 24)
    guard let first = words.first else { return }
    // `-msg timestamp=on` puts `PID@SECONDS.MICROSECONDS:` before the event.
    let event = first.split(separator: UInt8(ascii: ":")).last
      .map { String(decoding: $0, as: UTF8.self) }
    switch event {
    case "pci_nvme_getfeat": marker(Fields(words))
    case "pci_nvme_read": begin(.read, Fields(words))
    case "pci_nvme_write": begin(.write, Fields(words))
    case "pci_nvme_map_addr": map(Fields(words))
    case "vtd_dmar_translate": translate(Fields(words))
    default: break
    }
  }

  /// The words of a line: a name and then its value.
  private struct Fields {
    private let words: [String]

    init(_ words: [some Collection<UInt8>]) {
      self.words = words.map { String(decoding: $0, as: UTF8.self) }
    }

    subscript(name: String) -> UInt64? {
      guard let index = words.firstIndex(of: name), index + 1 < words.count else { return nil }
      let value = words[index + 1]
      return value.hasPrefix("0x") ? UInt64(value.dropFirst(2), radix: 16) : UInt64(value)
    }
  }

  /// A phase marker: Get Features with a value of ours in the command's dword 11.
  private mutating func marker(_ fields: Fields) {
    guard let value = fields["cdw11"], value >> 24 == 0x58 else { return }
    let key = PhaseKey(Int(value >> 8 & 0xFFFF), value & 2 == 0 ? .direct : .fallback)
    if value & 1 == 0 {
      open = key
      // A second begin is the guest's error; what came before must not count.
      windows[key] = Window()
    } else if open == key {
      windows[key]?.isClosed = true
      open = nil
    }
    collects = false
    untranslated = [:]
  }

  private mutating func begin(_ direction: Direction, _ fields: Fields) {
    collects = false
    guard let open, let nsid = fields["nsid"].flatMap(UInt32.init(exactly:)),
      let lba = fields["lba"], let count = fields["count"]
    else { return }
    windows[open]?.commands.append(
      Command(direction: direction, nsid: nsid, lba: lba, count: count))
    collects = true
  }

  private mutating func map(_ fields: Fields) {
    guard collects, let open, let address = fields["addr"], let length = fields["len"],
      let command = windows[open]?.commands.indices.last
    else { return }
    for piece in Self.pages(of: address, length) {
      let count = windows[open]?.commands[command].mappings.count ?? 0
      windows[open]?.commands[command].mappings.append(piece)
      untranslated[piece.address / Self.page] = (command, count)
    }
  }

  /// A translation follows the mapping that needed it, when its data moves.
  private mutating func translate(_ fields: Fields) {
    guard let iova = fields["iova"], let place = fields["gpa"], let mask = fields["mask"],
      mask < 1 << 32, let open
    else { return }
    // A mask wider than a page tells the place of many pages; each is asked for on its own.
    guard let waiting = untranslated.removeValue(forKey: iova / Self.page),
      let mapping = windows[open]?.commands[waiting.command].mappings[waiting.mapping]
    else { return }
    windows[open]?.commands[waiting.command].mappings[waiting.mapping].translated =
      place & ~mask | mapping.address & mask
  }

  private static func pages(of address: UInt64, _ length: UInt64) -> [Mapping] {
    guard length / page < UInt64(pieceLimit), !address.addingReportingOverflow(length).overflow
    else { return [Mapping(address: address, length: length, translated: nil)] }
    var pieces: [Mapping] = []
    var start = address
    while start < address + length {
      let end = min((start / page + 1) &* page, address + length)
      guard end > start else { break }
      pieces.append(Mapping(address: start, length: end - start, translated: nil))
      start = end
    }
    return pieces
  }
}
