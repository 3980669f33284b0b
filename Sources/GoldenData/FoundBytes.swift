// SPDX-License-Identifier: Apache-2.0

/// A few bytes that somebody else found, for instance a guest that reports a mismatch.
public struct FoundBytes: Hashable, Sendable {
  /// The bytes.
  public let bytes: [UInt8]

  /// Some bytes.
  public init(_ bytes: [UInt8]) {
    self.bytes = bytes
  }

  /// The bytes of a hexadecimal text, at most `limit` of them; nil when it is none.
  public init?(hexadecimal text: String, limit: Int) {
    let digits = Array(text.utf8)
    guard digits.count.isMultiple(of: 2), digits.count / 2 <= limit else { return nil }
    var bytes: [UInt8] = []
    for index in stride(from: 0, to: digits.count, by: 2) {
      guard let high = Self.value(digits[index]), let low = Self.value(digits[index + 1]) else {
        return nil
      }
      bytes.append(high << 4 | low)
    }
    self.bytes = bytes
  }

  private static func value(_ digit: UInt8) -> UInt8? {
    switch digit {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
    default: nil
    }
  }
}

extension FoundBytes: CustomStringConvertible {
  /// What the bytes are, in words.
  public var description: String {
    guard let first = bytes.first else { return "nothing" }
    if bytes.allSatisfy({ $0 == first }) {
      return switch first {
      case 0x00: "zeros"
      case 0xFF: "all ones (nothing answered the read: master abort)"
      case GoldenFile.poison: "poison 0xA5 (never written)"
      default: "all 0x\(GoldenData.hexadecimal(first))"
      }
    }
    for start in 0..<min(Cell.size, bytes.count) where bytes.count >= start + Cell.size {
      if let cell = Cell(decoding: bytes[start..<(start + Cell.size)]) {
        let place = start == 0 ? "" : " (from byte \(start) on)"
        return "file \(cell.file), generation \(cell.generation), offset \(cell.offset)\(place)"
      }
    }
    return "bytes of no golden file ("
      + bytes.prefix(16).map(GoldenData.hexadecimal).joined(separator: " ") + ")"
  }
}
