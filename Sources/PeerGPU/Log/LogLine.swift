// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Bytes of a line of the access log, put together by hand: a line is written for every run of a
/// DMA, so formatting has to cost less than the copy of a page.
struct LogLine {
  private let start: UnsafeMutablePointer<UInt8>
  private(set) var count: Int

  /// A line that begins at `start`, where there is room for ``longest`` bytes.
  init(at start: UnsafeMutablePointer<UInt8>) {
    self.start = start
    count = 0
  }

  /// Bytes that no line exceeds.
  static let longest = 512

  @inline(__always)
  mutating func append(_ text: StaticString) {
    memcpy(start + count, text.utf8Start, text.utf8CodeUnitCount)
    count &+= text.utf8CodeUnitCount
  }

  /// Decimal digits.
  @inline(__always)
  mutating func append(_ number: UInt64) {
    var value = number
    var digits: (UInt64, UInt64, UInt64) = (0, 0, 0)  // 20 digits at most
    var length = 0
    withUnsafeMutableBytes(of: &digits) { digits in
      repeat {
        length &+= 1
        digits[24 &- length] = 48 &+ UInt8(truncatingIfNeeded: value % 10)
        value /= 10
      } while value > 0
      if let base = digits.baseAddress {
        memcpy(start + count, base + (24 &- length), length)
      }
    }
    count &+= length
  }

  /// Hexadecimal digits in quotes, after 0x.
  @inline(__always)
  mutating func appendHex(_ number: UInt64) {
    append("\"0x")
    let digits = max(1, (67 &- number.leadingZeroBitCount) / 4)
    for index in 0..<digits {
      let nibble = UInt8(truncatingIfNeeded: number &>> UInt64(4 &* (digits &- 1 &- index))) & 15
      start[count &+ index] = nibble < 10 ? 48 &+ nibble : 87 &+ nibble
    }
    count &+= digits
    append("\"")
  }

  /// A text in quotes, cut so that the line stays short. Only for texts of this module: characters
  /// that JSON would escape become question marks.
  mutating func appendText(_ text: String) {
    append("\"")
    for byte in text.utf8.prefix(200) {
      start[count] = byte >= 32 && byte < 127 && byte != 34 && byte != 92 ? byte : 63
      count &+= 1
    }
    append("\"")
  }
}
