// SPDX-License-Identifier: Apache-2.0

/// Hexadecimal numbers, read strictly and written with leading zeros.
enum Hex {
  /// The value of one digit.
  static func digit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
  }

  /// A number that is nothing but digits, as many as asked for.
  static func number(
    _ bytes: some Collection<UInt8>, digits: ClosedRange<Int> = 1...16
  ) -> UInt64? {
    guard digits.contains(bytes.count), bytes.count <= 16 else { return nil }
    var value: UInt64 = 0
    for byte in bytes {
      guard let digit = digit(byte) else { return nil }
      value = value << 4 | UInt64(digit)
    }
    return value
  }

  /// Lower-case digits with leading zeros.
  static func text(_ value: some UnsignedInteger, digits: Int) -> String {
    let text = String(value, radix: 16)
    return String(repeating: "0", count: max(0, digits - text.count)) + text
  }
}
