// SPDX-License-Identifier: Apache-2.0

import CDeviceABI

/// Sixteen bytes as two little-endian words, compared byte range by byte range.
struct CellBytes: Hashable {
  var low: UInt64 = 0
  var high: UInt64 = 0

  init() {}

  init(_ cell: Cell) {
    let raw = crossbar_cell_make(cell.offset, cell.file, cell.generation)
    low = raw.offset
    high = UInt64(raw.check) << 32 | UInt64(raw.generation) << 16 | UInt64(raw.file)
  }

  init(repeating byte: UInt8) {
    low = UInt64(byte) &* 0x0101_0101_0101_0101
    high = low
  }

  /// Bytes of `source`, laid at the places `places` of a cell; all other places stay zero.
  init(_ source: UnsafeRawBufferPointer, at places: Range<Int>) {
    if places == 0..<Cell.size, source.count >= Cell.size {
      low = source.loadUnaligned(as: UInt64.self)
      high = source.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
    } else {
      for (index, place) in places.enumerated() where index < source.count {
        self[place] = source[index]
      }
    }
  }

  subscript(place: Int) -> UInt8 {
    get {
      let word = place < 8 ? low : high
      return UInt8(truncatingIfNeeded: word >> (8 * UInt64(place & 7)))
    }
    set {
      let shift = 8 * UInt64(place & 7)
      if place < 8 {
        low = low & ~(0xFF << shift) | UInt64(newValue) << shift
      } else {
        high = high & ~(0xFF << shift) | UInt64(newValue) << shift
      }
    }
  }

  /// Places of the first and last byte, among `places`, that differ from `other`.
  func difference(from other: CellBytes, in places: Range<Int>) -> (first: Int, last: Int)? {
    let mask = Self.mask(places)
    let lowDiff = (low ^ other.low) & mask.low
    let highDiff = (high ^ other.high) & mask.high
    if lowDiff == 0, highDiff == 0 { return nil }
    let first =
      lowDiff != 0 ? lowDiff.trailingZeroBitCount / 8 : 8 + highDiff.trailingZeroBitCount / 8
    let last =
      highDiff != 0 ? 15 - highDiff.leadingZeroBitCount / 8 : 7 - lowDiff.leadingZeroBitCount / 8
    return (first, last)
  }

  func equals(_ other: CellBytes, in places: Range<Int>) -> Bool {
    let mask = Self.mask(places)
    return (low ^ other.low) & mask.low == 0 && (high ^ other.high) & mask.high == 0
  }

  /// Number of bits, among the bytes of `places`, that differ from `other`.
  func differingBits(from other: CellBytes, in places: Range<Int>) -> Int {
    let mask = Self.mask(places)
    return ((low ^ other.low) & mask.low).nonzeroBitCount
      + ((high ^ other.high) & mask.high).nonzeroBitCount
  }

  private static func mask(_ places: Range<Int>) -> (low: UInt64, high: UInt64) {
    (
      ones(below: min(places.upperBound, 8)) & ~ones(below: min(places.lowerBound, 8)),
      ones(below: max(places.upperBound - 8, 0)) & ~ones(below: max(places.lowerBound - 8, 0))
    )
  }

  private static func ones(below place: Int) -> UInt64 {
    place >= 8 ? .max : (1 << (8 * UInt64(max(place, 0)))) - 1
  }
}
