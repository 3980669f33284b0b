// SPDX-License-Identifier: Apache-2.0

/// Base64 (RFC 4648, 4) of large buffers by tables, three bytes at a time.
enum Base64 {
  /// Characters of the code of `count` bytes.
  static func encodedCount(_ count: Int) -> Int { (count + 2) / 3 * 4 }

  /// Writes the code of `source` to `target`, which has room for ``encodedCount(_:)`` characters.
  static func encode(_ source: UnsafeRawBufferPointer, to target: UnsafeMutablePointer<UInt8>) {
    guard let bytes = source.baseAddress else { return }
    pairs.withUnsafeBufferPointer { pairs in
      guard let pairs = pairs.baseAddress else { return }
      let out = UnsafeMutableRawPointer(target)
      var at = 0
      var to = 0
      while at &+ 4 <= source.count {
        let word = UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: at, as: UInt32.self))
        let code =
          UInt32(pairs[Int(word >> 20)]) | UInt32(pairs[Int(word >> 8 & 0xfff)]) << 16
        out.storeBytes(of: code, toByteOffset: to, as: UInt32.self)
        at &+= 3
        to &+= 4
      }
      while at < source.count {
        var word: UInt32 = 0
        let count = min(3, source.count - at)
        for index in 0..<3 {
          word = word << 8 | (index < count ? UInt32(source[at + index]) : 0)
        }
        for index in 0..<4 {
          target[to + index] =
            index <= count ? alphabet[Int(word >> UInt32(18 - 6 * index) & 63)] : UInt8(ascii: "=")
        }
        at += 3
        to += 4
      }
    }
  }

  /// Writes the bytes that `source` is the code of to `target`.
  ///
  /// - Returns: false if it isn't the code of exactly as many bytes as `target` has.
  static func decode(
    _ source: UnsafeRawBufferPointer, to target: UnsafeMutableRawBufferPointer
  ) -> Bool {
    guard source.count == encodedCount(target.count) else { return false }
    guard let out = target.baseAddress, let code = source.baseAddress else { return true }
    return values.withUnsafeBufferPointer { values in
      guard let values = values.baseAddress else { return false }
      // Each value has its error bit at the top: one check for all of them.
      var invalid: UInt32 = 0
      var at = 0
      var to = 0
      while to &+ 4 <= target.count {
        let four = code.loadUnaligned(fromByteOffset: at, as: UInt32.self)
        let word =
          values[Int(four & 0xff)] << 18 | values[Int(four >> 8 & 0xff)] << 12
          | values[Int(four >> 16 & 0xff)] << 6 | values[Int(four >> 24)]
        invalid |=
          values[Int(four & 0xff)] | values[Int(four >> 8 & 0xff)]
          | values[Int(four >> 16 & 0xff)] | values[Int(four >> 24)]
        out.storeBytes(of: (word << 8).bigEndian, toByteOffset: to, as: UInt32.self)
        at &+= 4
        to &+= 3
      }
      while to < target.count {
        let count = min(3, target.count - to)
        var word: UInt32 = 0
        for index in 0..<4 {
          let value = index <= count ? values[Int(source[at + index])] : 0
          invalid |= value
          word |= (value & 63) << UInt32(18 - 6 * index)
        }
        for index in 0..<count {
          target[to + index] = UInt8(truncatingIfNeeded: word >> UInt32(16 - 8 * index))
        }
        at += 4
        to += count
      }
      return invalid & invalidBit == 0
    }
  }

  private static let alphabet = Array(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
  private static let invalidBit: UInt32 = 1 << 31

  /// Two characters, the first in the low byte, for each twelve bits.
  private static let pairs: [UInt16] = (0..<4096).map {
    UInt16(alphabet[$0 >> 6]) | UInt16(alphabet[$0 & 63]) << 8
  }

  private static let values: [UInt32] = {
    var values = [UInt32](repeating: invalidBit, count: 256)
    for (value, character) in alphabet.enumerated() { values[Int(character)] = UInt32(value) }
    return values
  }()
}
