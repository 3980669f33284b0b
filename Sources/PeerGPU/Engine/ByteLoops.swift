// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Loops over bytes that a guest may change at the same time: each is touched once.
enum ByteLoops {
  /// Fills with a pattern of eight bytes, little endian, in turn.
  static func fill(_ target: UnsafeMutableRawBufferPointer, _ pattern: UInt64) {
    guard let start = target.baseAddress else { return }
    if pattern == (pattern & 0xff) &* 0x0101_0101_0101_0101 {
      memset(start, CInt(pattern & 0xff), target.count)
      return
    }
    let value = pattern.littleEndian
    var at = 0
    while at &+ 8 <= target.count {
      start.storeBytes(of: value, toByteOffset: at, as: UInt64.self)
      at &+= 8
    }
    for last in at..<target.count {
      start.storeBytes(
        of: UInt8(truncatingIfNeeded: pattern &>> UInt64(8 &* (last &- at))), toByteOffset: last,
        as: UInt8.self)
    }
  }

  /// Bytes before the first difference of `count` bytes, nil if there is none. Found by the values
  /// that were compared, not by another look.
  static func difference(
    _ left: UnsafeRawPointer?, _ right: UnsafeRawPointer?, _ count: Int
  ) -> Int? {
    guard let left, let right else { return nil }
    var at = 0
    while at &+ 64 <= count {
      let one = left.loadUnaligned(fromByteOffset: at, as: SIMD8<UInt64>.self)
      let other = right.loadUnaligned(fromByteOffset: at, as: SIMD8<UInt64>.self)
      let changed = one ^ other
      if changed != .zero {
        for lane in 0..<8 where changed[lane] != 0 {
          return at + 8 * lane + changed[lane].littleEndian.trailingZeroBitCount / 8
        }
      }
      at &+= 64
    }
    while at < count {
      let one = left.loadUnaligned(fromByteOffset: at, as: UInt8.self)
      let other = right.loadUnaligned(fromByteOffset: at, as: UInt8.self)
      if one != other { return at }
      at &+= 1
    }
    return nil
  }
}
