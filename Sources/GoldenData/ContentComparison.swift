// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Compares content with what it must be, piece by piece, in 128 KiB of memory.
///
/// Equal content costs one generation and one `memcmp`; only wrong blocks are looked at closer.
public struct ContentComparison {
  private static let blockSize = Int(ExtentMap.blockSize)
  private static let scratchSize = 64 << 10

  private let expected: ExpectedContent
  private var position: UInt64 = 0
  private var excess: UInt64 = 0
  private var segment = 0
  private var segmentStart: UInt64 = 0
  private var pending: [UInt8] = []
  private var scratch = [UInt8](repeating: 0, count: scratchSize)
  private var tracker = MismatchTracker()

  /// A comparison with `expected`, from its first byte on.
  public init(expected: ExpectedContent) {
    self.expected = expected
  }

  /// Compares the next bytes, any number of them.
  public mutating func take(_ bytes: UnsafeRawBufferPointer) {
    var rest = bytes[...]
    if !pending.isEmpty {
      let missing = rest.prefix(Self.blockSize - pending.count)
      pending.append(contentsOf: missing)
      rest = rest.dropFirst(missing.count)
      guard pending.count == Self.blockSize else { return }
      processPending()
    }
    let whole = rest.count - rest.count % Self.blockSize
    process(UnsafeRawBufferPointer(rebasing: rest.prefix(whole)))
    pending.append(contentsOf: rest.dropFirst(whole))
  }

  /// Compares the next bytes, any number of them.
  public mutating func take(_ bytes: [UInt8]) {
    bytes.withUnsafeBytes { take($0) }
  }

  /// Ends the comparison: nil when every byte was right and none was missing.
  public mutating func finish() -> ContentDifference? {
    processPending()
    return tracker.finish(compared: position, expected: expected.length, excess: excess)
  }

  /// Compares memory at once: nil when it holds `expected` and nothing more.
  public static func difference(
    of bytes: UnsafeRawBufferPointer, from expected: ExpectedContent
  ) -> ContentDifference? {
    var comparison = Self(expected: expected)
    comparison.take(bytes)
    return comparison.finish()
  }

  /// Compares memory at once: nil when it holds `expected` and nothing more.
  public static func difference(
    of bytes: [UInt8], from expected: ExpectedContent
  ) -> ContentDifference? {
    bytes.withUnsafeBytes { difference(of: $0, from: expected) }
  }

  private mutating func processPending() {
    guard !pending.isEmpty else { return }
    let bytes = pending
    pending.removeAll(keepingCapacity: true)
    bytes.withUnsafeBytes { process($0) }
  }

  private mutating func process(_ bytes: UnsafeRawBufferPointer) {
    var rest = bytes[...]
    while !rest.isEmpty {
      guard let current = currentSegment() else {
        excess &+= UInt64(rest.count)
        return
      }
      let distance = position - segmentStart
      let count = min(UInt64(min(rest.count, Self.scratchSize)), current.length - distance)
      let piece = UnsafeRawBufferPointer(rebasing: rest.prefix(Int(count)))
      compare(piece, with: current, distance: distance)
      rest = rest.dropFirst(piece.count)
      position += count
    }
  }

  private mutating func currentSegment() -> Segment? {
    while segment < expected.segments.count {
      let current = expected.segments[segment]
      if position - segmentStart < current.length { return current }
      tracker.segmentEnds()
      segmentStart += current.length
      segment += 1
    }
    return nil
  }

  private mutating func compare(
    _ piece: UnsafeRawBufferPointer, with segment: Segment, distance: UInt64
  ) {
    var tracker = self.tracker
    let position = self.position
    scratch.withUnsafeMutableBytes { buffer in
      let expected = UnsafeMutableRawBufferPointer(rebasing: buffer.prefix(piece.count))
      segment.fill(expected, from: distance)
      if equal(piece, UnsafeRawBufferPointer(expected)) { return tracker.right() }
      var offset = 0
      while offset < piece.count {
        let here = position + UInt64(offset)
        let toBlockEnd = Self.blockSize - Int(here % UInt64(Self.blockSize))
        let end = min(offset + toBlockEnd, piece.count)
        let found = UnsafeRawBufferPointer(rebasing: piece[offset..<end])
        let block = UnsafeMutableRawBufferPointer(rebasing: expected[offset..<end])
        if equal(found, UnsafeRawBufferPointer(block)) {
          tracker.right()
        } else if !tracker.extend(over: found, at: here, scratch: block) {
          Self.explain(
            found, at: here, segment: segment, distance: distance + UInt64(offset), &tracker)
        }
        offset = end
      }
    }
    self.tracker = tracker
  }

  private static func explain(
    _ found: UnsafeRawBufferPointer, at position: UInt64, segment: Segment, distance: UInt64,
    _ tracker: inout MismatchTracker
  ) {
    var offset = 0
    while offset < found.count {
      let here = distance + UInt64(offset)
      let place = segment.placeInCell(at: here)
      let count = min(Cell.size - place, found.count - offset)
      let places = place..<(place + count)
      tracker.cell(
        MismatchTracker.CellView(
          found: CellBytes(
            UnsafeRawBufferPointer(rebasing: found[offset..<(offset + count)]), at: places),
          expected: segment.cellBytes(at: here), places: places,
          base: position &+ UInt64(offset) &- UInt64(place), segment: segment,
          distance: here &- UInt64(place)))
      offset += count
    }
  }
}

/// The two buffers hold the same bytes.
func equal(_ one: UnsafeRawBufferPointer, _ other: UnsafeRawBufferPointer) -> Bool {
  guard one.count == other.count else { return false }
  guard let left = one.baseAddress, let right = other.baseAddress, one.count > 0 else {
    return true
  }
  return memcmp(left, right, one.count) == 0
}
