// SPDX-License-Identifier: Apache-2.0

/// Turns wrong blocks, cell by cell, into stretches of one cause each.
struct MismatchTracker {
  /// A cell's worth of content: what was found, what belongs there, where.
  struct CellView {
    let found: CellBytes
    let expected: CellBytes
    /// The places in the cell that the content has; fewer than 16 at the edges of a segment.
    let places: Range<Int>
    /// Content offset of place 0, modulo 2^64.
    let base: UInt64
    let segment: Segment
    /// Distance of place 0 into the segment, modulo 2^64.
    let distance: UInt64

    var start: UInt64 { base &+ UInt64(places.lowerBound) }
    var end: UInt64 { base &+ UInt64(places.upperBound) }
  }

  private(set) var difference = ContentDifference()
  private var open: MismatchRun?
  private var previousRight = false

  /// The bytes up to the current position are right.
  mutating func right() {
    close(rightAfter: true)
    previousRight = true
  }

  /// A segment ends: no stretch goes on beyond it, and none is torn at it.
  mutating func segmentEnds() {
    close(rightAfter: false)
    previousRight = false
  }

  /// Ends the comparison, after `compared` bytes of `expected` wanted ones.
  mutating func finish(compared: UInt64, expected: UInt64, excess: UInt64) -> ContentDifference? {
    close(rightAfter: false)
    difference.comparedBytes = compared
    if compared < expected {
      emit(.missing, from: compared, to: expected)
    } else if excess > 0 {
      emit(.excess, from: expected, to: expected &+ excess)
    }
    return difference.count > 0 ? difference : nil
  }

  /// True when the whole of `block` goes on with the open stretch.
  mutating func extend(
    over block: UnsafeRawBufferPointer, at position: UInt64,
    scratch: UnsafeMutableRawBufferPointer
  ) -> Bool {
    guard let run = open, run.reach == position, run.end == position,
      run.predict(scratch, at: position), equal(block, UnsafeRawBufferPointer(scratch))
    else { return false }
    let end = position + UInt64(block.count)
    open?.end = end
    open?.reach = end
    open?.onlyCell = nil
    return true
  }

  /// Looks at one cell.
  mutating func cell(_ view: CellView) {
    let (found, places) = (view.found, view.places)
    guard let diff = found.difference(from: view.expected, in: places) else { return right() }
    if goesOn(view, last: diff.last) { return }
    if found.differingBits(from: view.expected, in: places) == 1 {
      let bits = found[diff.first] ^ view.expected[diff.first]
      begin(
        .bitFlip(bit: bits.trailingZeroBitCount), view, diff.first..<(diff.first + 1))
      return right()
    }
    if let (byte, stretch) = uniform(view, first: diff.first, last: diff.last) {
      begin(.uniform(byte), view, stretch)
      if stretch.upperBound < places.upperBound { right() }
      return
    }
    if let cell = decode(view) {
      let file = GoldenFile(file: cell.file, generation: cell.generation)
      beginCells(.cells(file, delta: cell.offset &- view.base), view)
      return
    }
    let stretch = diff.first..<(diff.last + 1)
    if case .foreign = open?.identity, open?.reach == view.start {
      open?.end = view.base &+ UInt64(stretch.upperBound)
      open?.reach = view.end
      open?.onlyCell = nil
      keepFound(view, stretch)
    } else {
      begin(.foreign, view, stretch)
      open?.onlyCell = view
    }
  }

  /// Extends the open stretch over the cell, or over its head when the rest is right.
  private mutating func goesOn(_ view: CellView, last: Int) -> Bool {
    guard let run = open, run.reach == view.start, run.end == view.start,
      let prediction = run.prediction(at: view.base)
    else { return false }
    if view.found.equals(prediction, in: view.places) {
      open?.end = view.end
      open?.reach = view.end
      keepFound(view, view.places)
      return true
    }
    let head = view.places.lowerBound..<(last + 1)
    guard last + 1 < view.places.upperBound, view.found.equals(prediction, in: head) else {
      return false
    }
    open?.end = view.base &+ UInt64(last + 1)
    open?.reach = view.end
    keepFound(view, head)
    right()
    return true
  }

  /// A repeated byte: the whole cell, or its tail or head when the rest is right.
  private func uniform(_ view: CellView, first: Int, last: Int) -> (UInt8, Range<Int>)? {
    let places = view.places
    let tellTale: Set<UInt8> = [0x00, 0xFF, GoldenFile.poison]
    for stretch in [places, first..<places.upperBound, places.lowerBound..<(last + 1)] {
      let byte = view.found[first]
      guard stretch.count >= (tellTale.contains(byte) ? 2 : 8),
        view.found.equals(CellBytes(repeating: byte), in: stretch)
      else { continue }
      return (byte, stretch)
    }
    return nil
  }

  /// The cell that was found; a cut one counts when all that is there of it fits.
  private func decode(_ view: CellView) -> Cell? {
    if view.places == 0..<Cell.size { return Cell(view.found) }
    guard view.places.lowerBound == 0, view.places.upperBound > 12 else { return nil }
    let cell = Cell(
      file: UInt16(truncatingIfNeeded: view.found.high),
      generation: UInt16(truncatingIfNeeded: view.found.high >> 16), offset: view.found.low)
    return view.found.equals(CellBytes(cell), in: view.places) ? cell : nil
  }

  /// Begins a stretch of cells; a torn cell right before it, whose tail fits, belongs to it.
  private mutating func beginCells(_ identity: MismatchRun.Identity, _ view: CellView) {
    if var run = open, run.reach == view.start, let torn = run.onlyCell,
      let diff = torn.found.difference(from: torn.expected, in: torn.places)
    {
      run.identity = identity
      let tail = diff.first..<torn.places.upperBound
      if let prediction = run.prediction(at: torn.base),
        torn.found.equals(prediction, in: tail)
      {
        run.end = view.end
        run.reach = view.end
        run.onlyCell = nil
        open = run
        keepFound(view, view.places)
        return
      }
    }
    begin(identity, view, view.places)
  }

  private mutating func begin(
    _ identity: MismatchRun.Identity, _ view: CellView, _ stretch: Range<Int>
  ) {
    let headRight = stretch.lowerBound > view.places.lowerBound
    let before = open != nil
    close(rightAfter: headRight)
    open = MismatchRun(
      identity: identity, start: view.base &+ UInt64(stretch.lowerBound),
      end: view.base &+ UInt64(stretch.upperBound), reach: view.end,
      rightBefore: headRight || (!before && previousRight),
      expected: view.segment.expectation(at: view.distance &+ UInt64(stretch.lowerBound)),
      expectedByte: view.expected[stretch.lowerBound], found: [], onlyCell: nil)
    previousRight = false
    keepFound(view, stretch)
  }

  private mutating func keepFound(_ view: CellView, _ stretch: Range<Int>) {
    guard let count = open?.found.count, count < 32 else { return }
    open?.found.append(contentsOf: stretch.prefix(32 - count).map { view.found[$0] })
  }

  private mutating func close(rightAfter: Bool) {
    guard let run = open else { return }
    difference.add(run.mismatch(rightAfter: rightAfter))
    open = nil
  }

  private mutating func emit(_ cause: Mismatch.Cause, from start: UInt64, to end: UInt64) {
    difference.add(
      Mismatch(
        range: start..<max(start, end), cause: cause, expected: nil, found: [], expectedByte: 0,
        tear: nil))
  }
}
