// SPDX-License-Identifier: Apache-2.0

/// The newest generation that has been ended, for each virtual address of an address space.
///
/// All ranges that will ever be ended are known when it is made: their bounds cut the addresses into
/// cells, and a segment tree holds the maximum of each. Both `revoke` and the questions take
/// O(log m) for m ranges.
struct RevokedRanges {
  /// An end of mappings.
  struct Revocation: Hashable {
    /// The newest generation that it ended; 0 ends none.
    var generation: UInt64
    /// Whoever revoked, in the caller's numbering.
    var source: Int
  }

  private static let nothing = Revocation(generation: 0, source: -1)

  private let bounds: [UInt64]
  private let leaves: Int
  /// What holds for all cells below a node.
  private var whole: [Revocation]
  /// The newest generation of any cell below a node.
  private var newest: [UInt64]

  /// Nothing is revoked yet; `ranges` are all that may be.
  init(_ ranges: [Range<UInt64>]) {
    var sorted: [UInt64] = []
    sorted.reserveCapacity(ranges.count * 2)
    for range in ranges where !range.isEmpty {
      sorted.append(range.lowerBound)
      sorted.append(range.upperBound)
    }
    sorted.sort()
    var distinct: [UInt64] = []
    for bound in sorted where bound != distinct.last { distinct.append(bound) }
    bounds = distinct
    var leaves = 1
    while leaves < bounds.count { leaves *= 2 }
    self.leaves = leaves
    whole = Array(repeating: Self.nothing, count: bounds.isEmpty ? 0 : leaves * 2)
    newest = Array(repeating: 0, count: whole.count)
  }

  /// Ends all mappings of `range` up to a generation.
  mutating func revoke(_ range: Range<UInt64>, _ revocation: Revocation) {
    guard let cells = cells(range) else { return }
    var low = cells.lowerBound + leaves
    var high = cells.upperBound + leaves
    while low < high {
      if low & 1 == 1 {
        set(low, revocation)
        low += 1
      }
      if high & 1 == 1 {
        high -= 1
        set(high, revocation)
      }
      low /= 2
      high /= 2
    }
  }

  /// The first address of `range` that was revoked with `generation` or a newer one.
  func first(
    of range: Range<UInt64>, from generation: UInt64
  ) -> (address: UInt64, by: Revocation)? {
    guard let cells = cells(range),
      let found = first(
        node: 1, of: 0..<leaves, in: cells, from: generation, above: Self.nothing)
    else { return nil }
    return (max(bounds[found.cell], range.lowerBound), found.by)
  }

  /// The newest revocation of any address of `range`; generation 0 if there was none.
  func newest(of range: Range<UInt64>) -> Revocation {
    guard let cells = cells(range) else { return Self.nothing }
    return newest(node: 1, of: 0..<leaves, in: cells)
  }

  private mutating func set(_ node: Int, _ revocation: Revocation) {
    guard revocation.generation > whole[node].generation else { return }
    whole[node] = revocation
    var node = node
    while node >= 1, newest[node] < revocation.generation {
      newest[node] = revocation.generation
      node /= 2
    }
  }

  /// The cells that `range` touches; cell i goes from bound i to the next one.
  private func cells(_ range: Range<UInt64>) -> Range<Int>? {
    guard let first = bounds.first, let last = bounds.last, range.lowerBound < last,
      range.upperBound > first, !range.isEmpty
    else { return nil }
    let low = max(index(of: range.lowerBound, inclusive: true) - 1, 0)
    let high = min(index(of: range.upperBound, inclusive: false), bounds.count - 1)
    return low < high ? low..<high : nil
  }

  /// How many bounds are below `address`, or with `inclusive` not above it.
  private func index(of address: UInt64, inclusive: Bool) -> Int {
    var low = 0
    var high = bounds.count
    while low < high {
      let middle = (low + high) / 2
      if bounds[middle] < address || inclusive && bounds[middle] == address {
        low = middle + 1
      } else {
        high = middle
      }
    }
    return low
  }

  private func first(
    node: Int, of span: Range<Int>, in cells: Range<Int>, from generation: UInt64,
    above: Revocation
  ) -> (cell: Int, by: Revocation)? {
    guard span.overlaps(cells) else { return nil }
    let here = whole[node].generation > above.generation ? whole[node] : above
    if here.generation >= generation { return (max(span.lowerBound, cells.lowerBound), here) }
    guard newest[node] >= generation, span.count > 1 else { return nil }
    let middle = span.lowerBound + span.count / 2
    return first(
      node: node * 2, of: span.lowerBound..<middle, in: cells, from: generation, above: here)
      ?? first(
        node: node * 2 + 1, of: middle..<span.upperBound, in: cells, from: generation, above: here)
  }

  private func newest(node: Int, of span: Range<Int>, in cells: Range<Int>) -> Revocation {
    guard span.overlaps(cells) else { return Self.nothing }
    guard newest[node] > whole[node].generation, span.count > 1 else { return whole[node] }
    let middle = span.lowerBound + span.count / 2
    var best = whole[node]
    for half in [
      newest(node: node * 2, of: span.lowerBound..<middle, in: cells),
      newest(node: node * 2 + 1, of: middle..<span.upperBound, in: cells),
    ] where half.generation > best.generation {
      best = half
    }
    return best
  }
}
