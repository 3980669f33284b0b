// SPDX-License-Identifier: Apache-2.0

/// All mismatches of one comparison, summed up.
public struct ContentDifference: Hashable, Sendable {
  /// Mismatches kept in full; the others are only counted.
  public static let keptMismatches = 16
  /// Stretches of wrong blocks kept.
  public static let keptBlockRanges = 64

  /// Number of stretches of wrong bytes.
  public internal(set) var count = 0
  /// Wrong bytes in all of them.
  public internal(set) var wrongBytes: UInt64 = 0
  /// Bytes that were compared.
  public internal(set) var comparedBytes: UInt64 = 0
  /// The first mismatches.
  public internal(set) var first: [Mismatch] = []
  /// The last mismatch.
  public internal(set) var last: Mismatch?
  /// Distance in bytes between the starts of all neighbours, when it is the same (3 or more).
  public var period: UInt64? { count >= 3 && regular ? distance : nil }
  /// Numbers of the wrong 4 KiB blocks, counted from the start of the content, the first ones.
  public internal(set) var blocks: [Range<UInt64>] = []
  /// How many 4 KiB blocks are wrong.
  public internal(set) var blockCount: UInt64 = 0

  private var distance: UInt64 = 0
  private var regular = true
  private var lastBlock: UInt64?

  mutating func add(_ mismatch: Mismatch) {
    if let last {
      let step = mismatch.range.lowerBound &- last.range.lowerBound
      if count == 1 { distance = step } else if step != distance { regular = false }
    }
    count += 1
    wrongBytes += mismatch.range.upperBound - mismatch.range.lowerBound
    if first.count < Self.keptMismatches { first.append(mismatch) }
    last = mismatch
    addBlocks(of: mismatch.range)
  }

  private mutating func addBlocks(of range: Range<UInt64>) {
    guard !range.isEmpty else { return }
    var start = range.lowerBound / ExtentMap.blockSize
    let end = (range.upperBound - 1) / ExtentMap.blockSize + 1
    if let lastBlock, start <= lastBlock { start = lastBlock + 1 }
    guard start < end else { return }
    blockCount += end - start
    if let previous = blocks.last, previous.upperBound == start {
      blocks[blocks.count - 1] = previous.lowerBound..<end
    } else if blocks.count < Self.keptBlockRanges {
      blocks.append(start..<end)
    }
    lastBlock = end - 1
  }
}

extension ContentDifference: CustomStringConvertible {
  /// The difference as a sentence, without disk blocks.
  public var description: String { explanation(extents: nil) }

  /// The first mismatch as a sentence, then how many there are and where.
  public func explanation(extents: ExtentMap?) -> String {
    guard let mismatch = first.first else { return "no difference" }
    var text = mismatch.explanation(extents: extents)
    guard count > 1, let last else { return text }
    text += "; \(count) places in all, \(wrongBytes) of \(comparedBytes) bytes"
    if let period { text += ", one every \(period) bytes" }
    text += ", 4 KiB blocks \(blockList)"
    text += ", the last: \(last.explanation(extents: extents))"
    return text
  }

  private var blockList: String {
    let shown = blocks.prefix(8).map { range in
      range.count == 1 ? "\(range.lowerBound)" : "\(range.lowerBound)-\(range.upperBound - 1)"
    }
    return shown.joined(separator: " ") + (blocks.count > 8 ? " ..." : "") + " (\(blockCount))"
  }
}
