// SPDX-License-Identifier: Apache-2.0

/// Reads one line of a trace log from left to right.
struct TraceScanner {
  private let bytes: UnsafeRawBufferPointer
  private var position: Int

  init(_ bytes: UnsafeRawBufferPointer) {
    self.bytes = bytes
    position = 0
  }

  /// Skips the `PID@SECONDS.MICROS:` that QEMU writes with `-msg timestamp=on`.
  mutating func skipStamp() {
    let start = position
    guard decimal() != nil, literal("@"), decimal() != nil, literal("."), decimal() != nil,
      literal(":")
    else {
      position = start
      return
    }
  }

  /// Takes `text` if it comes next.
  mutating func literal(_ text: StaticString) -> Bool {
    let count = text.utf8CodeUnitCount
    guard bytes.count - position >= count else { return false }
    for index in 0..<count where bytes[position + index] != text.utf8Start[index] { return false }
    position += count
    return true
  }

  /// Takes a decimal number; nil when none comes next or it is beyond 64 bits.
  mutating func decimal() -> UInt64? {
    number(radix: 10) { byte in
      byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
        ? UInt64(byte - UInt8(ascii: "0")) : nil
    }
  }

  /// Takes a hexadecimal number without `0x`; nil when none comes next or it is beyond 64 bits.
  mutating func hexadecimal() -> UInt64? {
    number(radix: 16) { byte in
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt64(byte - UInt8(ascii: "0"))
      case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt64(byte - UInt8(ascii: "a")) + 10
      default: nil
      }
    }
  }

  /// Skips to behind the next `byte`.
  mutating func skip(behind byte: UInt8) -> Bool {
    while position < bytes.count {
      position += 1
      if bytes[position - 1] == byte { return true }
    }
    return false
  }

  /// Nothing is left but a carriage return.
  var isAtEnd: Bool {
    position == bytes.count
      || (position == bytes.count - 1 && bytes[position] == UInt8(ascii: "\r"))
  }

  private mutating func number(radix: UInt64, _ digit: (UInt8) -> UInt64?) -> UInt64? {
    let start = position
    var value: UInt64 = 0
    while position < bytes.count, let next = digit(bytes[position]) {
      let (product, tooLarge) = value.multipliedReportingOverflow(by: radix)
      let (sum, overflow) = product.addingReportingOverflow(next)
      guard !tooLarge, !overflow else { return nil }
      value = sum
      position += 1
    }
    return position > start ? value : nil
  }
}
