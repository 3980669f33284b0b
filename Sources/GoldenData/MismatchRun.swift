// SPDX-License-Identifier: Apache-2.0

/// A stretch of wrong bytes while it still grows.
struct MismatchRun {
  /// What the bytes are, so that the next ones can be foretold.
  enum Identity: Hashable {
    case uniform(UInt8)
    /// Cells whose offset is their content offset plus `delta`, modulo 2^64.
    case cells(GoldenFile, delta: UInt64)
    case bitFlip(bit: Int)
    case foreign
    case missing
    case excess
  }

  var identity: Identity
  var start: UInt64
  var end: UInt64
  /// End of the last cell that was looked at; the run ends within it.
  var reach: UInt64
  let rightBefore: Bool
  let expected: Segment.Kind?
  let expectedByte: UInt8
  var found: [UInt8]
  /// The run's only cell so far, when it is foreign.
  var onlyCell: MismatchTracker.CellView?

  /// The 16 bytes that go on with the run in the cell that starts at content offset `base`.
  func prediction(at base: UInt64) -> CellBytes? {
    switch identity {
    case .uniform(let byte): CellBytes(repeating: byte)
    case .cells(let file, let delta):
      CellBytes(Cell(file: file.file, generation: file.generation, offset: base &+ delta))
    case .bitFlip, .foreign, .missing, .excess: nil
    }
  }

  /// Fills `buffer` with what goes on with the run at content offset `position`.
  func predict(_ buffer: UnsafeMutableRawBufferPointer, at position: UInt64) -> Bool {
    switch identity {
    case .uniform(let byte): buffer.initializeMemory(as: UInt8.self, repeating: byte)
    case .cells(let file, let delta): file.fill(buffer, from: position &+ delta)
    case .bitFlip, .foreign, .missing, .excess: return false
    }
    return true
  }

  func mismatch(rightAfter: Bool) -> Mismatch {
    Mismatch(
      range: start..<max(start, end), cause: cause, expected: expected, found: found,
      expectedByte: expectedByte, tear: tear(rightAfter: rightAfter || end < reach))
  }

  private var cause: Mismatch.Cause {
    switch identity {
    case .uniform(0x00): return .zeros
    case .uniform(0xFF): return .ones
    case .uniform(GoldenFile.poison): return .poison
    case .uniform(let byte): return .filled(byte)
    case .bitFlip(let bit): return .bitFlip(bit: bit)
    case .foreign: return .foreign
    case .missing: return .missing
    case .excess: return .excess
    case .cells(let file, let delta):
      let cell = Cell(
        file: file.file, generation: file.generation, offset: start &+ delta)
      guard case .cells(let wanted, let offset) = expected, wanted.file == file.file else {
        return .otherFile(cell)
      }
      let wantedCell = Cell(file: wanted.file, generation: wanted.generation, offset: offset)
      if wantedCell.offset == cell.offset {
        return file.generation < wanted.generation
          ? .staleGeneration(file.generation) : .newerGeneration(file.generation)
      }
      return .otherOffset(generation: file.generation, offset: cell.offset)
    }
  }

  /// A run is torn content when it meets right bytes on one side only, inside of a block; stale
  /// content is torn at a block's edge as well. Right bytes on both sides are mere damage.
  private func tear(rightAfter: Bool) -> Mismatch.Tear? {
    switch identity {
    case .bitFlip, .missing, .excess: return nil
    case .cells, .uniform, .foreign: break
    }
    let block = ExtentMap.blockSize
    let raggedStart = rightBefore && start % block != 0
    let raggedEnd = rightAfter && end % block != 0
    if raggedStart != raggedEnd { return raggedStart ? .wrongFrom(start) : .rightFrom(end) }
    guard !raggedStart, rightBefore != rightAfter else { return nil }
    switch cause {
    case .staleGeneration, .newerGeneration:
      return rightBefore ? .wrongFrom(start) : .rightFrom(end)
    default: return nil
    }
  }
}
