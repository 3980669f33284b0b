// SPDX-License-Identifier: Apache-2.0

/// A set of bytes, as sorted ranges that neither overlap nor touch.
struct ByteRanges: Hashable {
  private(set) var ranges: [Range<UInt64>] = []

  init(_ ranges: [Range<UInt64>]) {
    for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) where !range.isEmpty {
      if let last = self.ranges.last, range.lowerBound <= last.upperBound {
        self.ranges[self.ranges.count - 1] =
          last.lowerBound..<max(last.upperBound, range.upperBound)
      } else {
        self.ranges.append(range)
      }
    }
  }

  /// Number of bytes in the set.
  var count: UInt64 { ranges.reduce(0) { $0 &+ ($1.upperBound - $1.lowerBound) } }

  func overlaps(_ range: Range<UInt64>) -> Bool {
    let index = firstIndex(endingBehind: range.lowerBound)
    return index < ranges.count && ranges[index].lowerBound < range.upperBound
  }

  /// The parts of `range` that are in the set.
  func parts(of range: Range<UInt64>) -> [Range<UInt64>] {
    ranges[firstIndex(endingBehind: range.lowerBound)...]
      .prefix { $0.lowerBound < range.upperBound }
      .map { $0.clamped(to: range) }
  }

  /// How many bytes of the set are not in `other`.
  func count(without other: ByteRanges) -> UInt64 {
    let common = ranges.reduce(UInt64(0)) { sum, range in
      other.parts(of: range).reduce(sum) { $0 &+ ($1.upperBound - $1.lowerBound) }
    }
    return count - common
  }

  private func firstIndex(endingBehind position: UInt64) -> Int {
    var low = 0
    var high = ranges.count
    while low < high {
      let middle = (low + high) / 2
      if ranges[middle].upperBound <= position { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
