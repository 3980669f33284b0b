// SPDX-License-Identifier: Apache-2.0

/// Which mappings no invalidation has ended.
enum LiveMappings {
  /// Indices of trace entries of those maps of which a part was never ended. From the newest
  /// generation to the oldest, what invalidations cover only grows: O((k + m) log (k + m)) for k maps
  /// and m invalidations.
  static func entries(of life: TracedLife) -> [Int] {
    var bounds = life.invalidations.flatMap { [$0.range.lowerBound, $0.range.upperBound] }
    bounds.sort()
    let invalidations = life.invalidations.sorted { $0.generation > $1.generation }
    let maps = life.maps.sorted { $0.map.generation > $1.map.generation }
    var covered = CoveredCells(bounds)
    var next = 0
    var alive: [Int] = []
    for (entry, map) in maps {
      while next < invalidations.count, invalidations[next].generation >= map.generation {
        covered.cover(invalidations[next].range)
        next += 1
      }
      if !map.range.isEmpty, !covered.holds(map.range) { alive.append(entry) }
    }
    return alive.sorted()
  }
}

/// A growing set of addresses, whose possible bounds are known.
private struct CoveredCells {
  private let bounds: [UInt64]
  /// A cell that is covered leads to a later one; the others to themselves.
  private var next: [Int]

  init(_ sorted: [UInt64]) {
    var distinct: [UInt64] = []
    for bound in sorted where bound != distinct.last { distinct.append(bound) }
    bounds = distinct
    next = Array(0...distinct.count)
  }

  mutating func cover(_ range: Range<UInt64>) {
    guard !range.isEmpty else { return }
    var cell = free(from: count(notAbove: range.lowerBound) - 1)
    while cell < bounds.count - 1, bounds[cell] < range.upperBound {
      next[cell] = cell + 1
      cell = free(from: cell)
    }
  }

  mutating func holds(_ range: Range<UInt64>) -> Bool {
    let cell = count(notAbove: range.lowerBound) - 1
    guard cell >= 0 else { return false }
    let end = free(from: cell)
    return end > cell && end < bounds.count && bounds[end] >= range.upperBound
  }

  private func count(notAbove address: UInt64) -> Int {
    var low = 0
    var high = bounds.count
    while low < high {
      let middle = (low + high) / 2
      if bounds[middle] <= address { low = middle + 1 } else { high = middle }
    }
    return low
  }

  private mutating func free(from cell: Int) -> Int {
    var root = max(cell, 0)
    while next[root] != root { root = next[root] }
    var cell = max(cell, 0)
    while next[cell] != root {
      let above = next[cell]
      next[cell] = root
      cell = above
    }
    return root
  }
}
