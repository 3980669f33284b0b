// SPDX-License-Identifier: Apache-2.0

/// What the driver mapped in one address space, by generation and virtual address.
///
/// Made once, in O(k log k) for k map events; a look-up takes O(log k) for each generation that
/// comes into question.
struct MappingIndex {
  /// Pages that were mapped alike, in one generation.
  struct Segment: Hashable {
    var range: Range<UInt64>
    /// Of the first byte.
    var frame: UInt64
    var isVideo: Bool
    var isWritable: Bool
    /// Index of the trace entry, the first one where several were joined.
    var entry: Int

    /// Where the byte at `address` was mapped.
    func frame(at address: UInt64) -> UInt64 { frame &+ (address &- range.lowerBound) }
  }

  private struct Generation {
    var number: UInt64
    var segments: Range<Int>
  }

  private var segments: [Segment] = []
  /// By generation modulo 4096, each in rising order.
  private var residues: [UInt16: [Generation]] = [:]

  /// `maps` are trace entries with their indices, in the order of the trace.
  init(_ maps: [(entry: Int, map: DriverTrace.Map)]) {
    let order = maps.indices.sorted {
      (maps[$0].map.generation, $0) < (maps[$1].map.generation, $1)
    }
    var start = 0
    while start < order.count {
      let number = maps[order[start]].map.generation
      var end = start
      while end < order.count, maps[order[end]].map.generation == number { end += 1 }
      let first = segments.count
      append(order[start..<end].map { maps[$0] })
      residues[UInt16(truncatingIfNeeded: number & 4095), default: []].append(
        Generation(number: number, segments: first..<segments.count))
      start = end
    }
  }

  /// Calls `body` with the segments that hold `address` and whose generation is `residue` modulo
  /// 4096 and at most `limit`, newest first, until it returns false.
  func eachSegment(
    at address: UInt64, residue: UInt16, limit: UInt64,
    _ body: (UInt64, Segment?) -> Bool
  ) {
    guard let generations = residues[residue] else { return }
    var low = 0
    var high = generations.count
    while low < high {
      let middle = (low + high) / 2
      if generations[middle].number <= limit { low = middle + 1 } else { high = middle }
    }
    while low > 0 {
      low -= 1
      let found = segment(at: address, in: generations[low].segments)
      guard body(generations[low].number, found) else { return }
    }
  }

  private func segment(at address: UInt64, in place: Range<Int>) -> Segment? {
    var low = place.lowerBound
    var high = place.upperBound
    while low < high {
      let middle = (low + high) / 2
      if segments[middle].range.upperBound <= address { low = middle + 1 } else { high = middle }
    }
    guard low < place.upperBound, segments[low].range.lowerBound <= address else { return nil }
    return segments[low]
  }

  /// Adds the maps of one generation. Where they overlap, the last one holds, and a page that was
  /// mapped to the same frame as writable before stays so: no invalidation came between.
  private mutating func append(_ maps: [(entry: Int, map: DriverTrace.Map)]) {
    var bounds = maps.flatMap { [$0.map.range.lowerBound, $0.map.range.upperBound] }
    bounds.sort()
    var cells: [UInt64] = []
    for bound in bounds where bound != cells.last { cells.append(bound) }
    let winners = Self.paint(maps, on: cells) { _ in true }
    let writable = Self.paint(maps, on: cells, where: \.isWritable)
    let first = segments.count
    for cell in winners.indices where winners[cell] >= 0 {
      let winner = maps[winners[cell]]
      var segment = Self.segment(winner, of: cells[cell]..<cells[cell + 1])
      if writable[cell] >= 0 {
        let other = Self.segment(maps[writable[cell]], of: segment.range)
        segment.isWritable = other.frame == segment.frame && other.isVideo == segment.isVideo
      }
      if segments.count > first, segments[segments.count - 1].goes(on: segment) {
        let joined = segments[segments.count - 1].range.lowerBound..<segment.range.upperBound
        segments[segments.count - 1].range = joined
      } else {
        segments.append(segment)
      }
    }
  }

  private static func segment(
    _ map: (entry: Int, map: DriverTrace.Map), of range: Range<UInt64>
  ) -> Segment {
    Segment(
      range: range, frame: map.map.frame &+ (range.lowerBound &- map.map.address),
      isVideo: map.map.source == .video, isWritable: map.map.isWritable, entry: map.entry)
  }

  /// For each cell the last of the maps that covers it, -1 for none. Each cell is painted once, from
  /// the last map to the first; `next` leaps over those that are done.
  private static func paint(
    _ maps: [(entry: Int, map: DriverTrace.Map)], on bounds: [UInt64],
    where isWanted: (DriverTrace.Map) -> Bool
  ) -> [Int] {
    let count = max(bounds.count - 1, 0)
    var painted = Array(repeating: -1, count: count)
    var next = Array(0...count)
    func free(_ cell: Int) -> Int {
      var root = cell
      while next[root] != root { root = next[root] }
      var cell = cell
      while next[cell] != root {
        let above = next[cell]
        next[cell] = root
        cell = above
      }
      return root
    }
    for index in maps.indices.reversed() where isWanted(maps[index].map) {
      let range = maps[index].map.range
      guard let start = bounds.firstIndex(sorted: range.lowerBound) else { continue }
      var cell = free(start)
      while cell < count, bounds[cell] < range.upperBound {
        painted[cell] = index
        next[cell] = cell + 1
        cell = free(cell)
      }
    }
    return painted
  }
}

extension MappingIndex.Segment {
  /// `next` begins where this one ends, on the bus as well.
  fileprivate func goes(on next: Self) -> Bool {
    next.range.lowerBound == range.upperBound && next.isVideo == isVideo
      && next.isWritable == isWritable && next.frame == frame(at: next.range.lowerBound)
  }
}

extension [UInt64] {
  /// Where `value` is in the sorted array.
  fileprivate func firstIndex(sorted value: UInt64) -> Int? {
    var low = 0
    var high = count
    while low < high {
      let middle = (low + high) / 2
      if self[middle] < value { low = middle + 1 } else { high = middle }
    }
    return low < count && self[low] == value ? low : nil
  }
}
