// SPDX-License-Identifier: Apache-2.0

/// The text of a configuration space dump, checked: what a guest wrote is not to be trusted.
///
/// libpci ends the process when it meets a line that it doesn't like, so it is only ever given
/// `normalised`, which is written here from checked numbers.
struct PCIDump {
  /// The largest dump that is read, in bytes.
  static let maximumSize = 4 << 20
  /// The most functions that a dump may have.
  static let maximumDevices = 1024
  /// The longest line, in bytes; libpci's own buffer has 256.
  static let maximumLineLength = 250

  /// One function's part of the dump.
  struct Entry {
    let address: PCIAddress
    /// Configuration space from offset 0, 64 to 4096 bytes.
    fileprivate(set) var config: [UInt8] = []
    /// What the kernel says of the BARs, by index.
    fileprivate(set) var regions: [Int: Region] = [:]
  }

  /// A `Region` line.
  struct Region: Hashable {
    let base: UInt64
    let size: UInt64
  }

  private(set) var entries: [Entry] = []

  init(text: [UInt8]) throws(PCIDumpError) {
    guard text.count <= Self.maximumSize else {
      throw PCIDumpError(message: "the dump is larger than \(Self.maximumSize >> 20) MiB")
    }
    var seen: Set<PCIAddress> = []
    var open: Entry?
    let lines = text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    for (index, raw) in lines.enumerated() {
      let line = raw.last == UInt8(ascii: "\r") ? raw.dropLast() : raw
      func refused(_ message: String) -> PCIDumpError {
        PCIDumpError(line: index + 1, message: message)
      }
      guard line.count <= Self.maximumLineLength else { throw refused("the line is too long") }
      guard let first = line.first else {
        try close(&open, at: index + 1)
        continue
      }
      if first == UInt8(ascii: "\t") || first == UInt8(ascii: " ") {
        do throws(PCIDumpError) {
          if let (bar, region) = try Self.region(line) { open?.regions[bar] = region }
        } catch {
          throw refused(error.message)
        }
        continue
      }
      if let space = line.firstIndex(of: UInt8(ascii: " ")), space != line.startIndex,
        line[line.index(before: space)] == UInt8(ascii: ":")
      {
        guard var entry = open else { throw refused("bytes stand before any device") }
        open = nil
        guard Self.append(line, colon: line.index(before: space), to: &entry.config) else {
          throw refused("this is no row of up to 16 bytes that goes on from the row before")
        }
        open = entry
        continue
      }
      try close(&open, at: index + 1)
      guard let address = Self.address(line) else {
        throw refused("this is neither a device's address nor a row of bytes")
      }
      guard seen.insert(address).inserted else { throw refused("\(address) is there twice") }
      guard seen.count <= Self.maximumDevices else {
        throw refused("there are more than \(Self.maximumDevices) devices")
      }
      open = Entry(address: address)
    }
    try close(&open, at: lines.count)
    guard !entries.isEmpty else { throw PCIDumpError(message: "the dump has no device") }
  }

  private mutating func close(_ open: inout Entry?, at line: Int) throws(PCIDumpError) {
    guard let entry = open else { return }
    guard entry.config.count >= 64 else {
      throw PCIDumpError(
        line: line,
        message: "\(entry.address) has \(entry.config.count) bytes of configuration space, "
          + "and the header alone has 64")
    }
    entries.append(entry)
    open = nil
  }

  /// The address at the start of a device's first line.
  private static func address(_ line: some Collection<UInt8>) -> PCIAddress? {
    let word = line.prefix { $0 != UInt8(ascii: " ") }
    guard word.count <= 12 else { return nil }
    return PCIAddress(parsing: String(decoding: Array(word), as: UTF8.self))
  }

  /// Takes a row `40: 01 02 ...` on, which must continue where the last one ended.
  ///
  /// Three digits of offset reach 4096 bytes, the whole configuration space, and not further.
  private static func append<Line: Collection<UInt8>>(
    _ line: Line, colon: Line.Index, to config: inout [UInt8]
  ) -> Bool {
    guard let offset = Hex.number(line[..<colon], digits: 2...3), offset == config.count,
      config.count % 16 == 0
    else { return false }
    let text = Array(line[colon...].dropFirst(2))
    // `xx xx ... xx`: three characters a byte, the last without its space.
    guard text.count % 3 == 2, text.count <= 47 else { return false }
    var at = 0
    while at < text.count {
      guard let high = Hex.digit(text[at]), let low = Hex.digit(text[at + 1]) else { return false }
      guard at + 2 == text.count || text[at + 2] == UInt8(ascii: " ") else { return false }
      config.append(high << 4 | low)
      at += 3
    }
    return true
  }

  /// What libpci is given: addresses and rows of bytes, nothing else.
  var normalised: [UInt8] {
    var text: [UInt8] = []
    text.reserveCapacity(entries.reduce(0) { $0 + 32 + $1.config.count * 4 })
    let digits = Array("0123456789abcdef".utf8)
    for entry in entries {
      text += Array("\(entry.address) device".utf8)
      for (offset, byte) in entry.config.enumerated() {
        if offset % 16 == 0 {
          text.append(UInt8(ascii: "\n"))
          text += Array((Hex.text(UInt16(truncatingIfNeeded: offset), digits: 2) + ":").utf8)
        }
        text.append(UInt8(ascii: " "))
        text.append(digits[Int(byte >> 4)])
        text.append(digits[Int(byte & 0xF)])
      }
      text += [UInt8(ascii: "\n"), UInt8(ascii: "\n")]
    }
    return text
  }
}
