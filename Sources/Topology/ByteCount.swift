// SPDX-License-Identifier: Apache-2.0

/// A number of bytes, written in binary units: `64MiB`.
public struct ByteCount: Sendable, Hashable, Comparable, CustomStringConvertible {
  /// The number of bytes.
  public var bytes: UInt64

  /// The binary units, smallest first, with the power of two of each.
  private static let units: [(name: String, shift: UInt64)] = [
    ("KiB", 10), ("MiB", 20), ("GiB", 30), ("TiB", 40),
  ]

  /// Makes a count of single bytes.
  public init(bytes: UInt64) {
    self.bytes = bytes
  }

  /// Makes a count of mebibytes.
  public static func mebibytes(_ count: UInt32) -> ByteCount {
    ByteCount(bytes: UInt64(count) << 20)
  }

  /// Makes a count of gibibytes.
  public static func gibibytes(_ count: UInt32) -> ByteCount {
    ByteCount(bytes: UInt64(count) << 30)
  }

  /// Reads `64MiB`, `1GiB`, `512KiB`, `2TiB`, `4096B` or a bare number of bytes.
  ///
  /// Decimal units (`MB`) and bare letters (`M`) are refused, since people mean different sizes by
  /// them; nil also stands for a count that does not fit 64 bits.
  public init?(parsing text: String) {
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    guard !digits.isEmpty, let number = UInt64(digits) else { return nil }
    let unit = text.dropFirst(digits.count)
    if unit.isEmpty || unit == "B" {
      self.init(bytes: number)
      return
    }
    guard let shift = Self.units.first(where: { $0.name == unit })?.shift else { return nil }
    let (bytes, overflow) = number.multipliedReportingOverflow(by: 1 << shift)
    guard !overflow else { return nil }
    self.init(bytes: bytes)
  }

  /// True for 1, 2, 4, 8 ... bytes.
  public var isPowerOfTwo: Bool { bytes.nonzeroBitCount == 1 }

  /// The largest unit that divides the count: `64MiB`, `1000B`.
  public var description: String {
    guard bytes > 0 else { return "0B" }
    for unit in Self.units.reversed() where bytes % (1 << unit.shift) == 0 {
      return "\(bytes >> unit.shift)\(unit.name)"
    }
    return "\(bytes)B"
  }

  /// Orders by size.
  public static func < (left: ByteCount, right: ByteCount) -> Bool {
    left.bytes < right.bytes
  }
}

extension ByteCount: Codable {
  /// Reads a plain number of bytes.
  public init(from decoder: any Decoder) throws {
    self.init(bytes: try decoder.singleValueContainer().decode(UInt64.self))
  }

  /// Writes a plain number of bytes.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(bytes)
  }
}
