// SPDX-License-Identifier: Apache-2.0

/// One stretch of wrong bytes, and what they are.
public struct Mismatch: Hashable, Sendable {
  /// What the wrong bytes turn out to be.
  public enum Cause: Hashable, Sendable {
    /// Every byte is 0x00.
    case zeros
    /// Every byte is 0xFF: what a PCI read gives that no device answers (master abort).
    case ones
    /// Every byte is 0xA5: the memory was never written.
    case poison
    /// Every byte is this one.
    case filled(UInt8)
    /// The same place of an older generation.
    case staleGeneration(UInt16)
    /// The same place of a newer generation.
    case newerGeneration(UInt16)
    /// Cells of another offset of the same file.
    case otherOffset(generation: UInt16, offset: UInt64)
    /// Cells of another file, or cells where none belong.
    case otherFile(Cell)
    /// One bit of one byte is wrong; bit 0 is the least significant one.
    case bitFlip(bit: Int)
    /// Bytes of no golden file.
    case foreign
    /// The content ends too early.
    case missing
    /// The content goes on where it should end.
    case excess
  }

  /// The edge at which right and wrong bytes meet inside of a block, or new and old ones.
  public enum Tear: Hashable, Sendable {
    /// Right before this byte, wrong from it on.
    case wrongFrom(UInt64)
    /// Wrong before this byte, right from it on.
    case rightFrom(UInt64)
  }

  /// The wrong bytes' offsets in the content.
  public let range: Range<UInt64>
  /// What the bytes turn out to be.
  public let cause: Cause
  /// What belongs at the first of them; nil beyond the end of the content.
  public let expected: Segment.Kind?
  /// The first wrong bytes, at most 32.
  public let found: [UInt8]
  /// The byte that belongs in place of the first wrong one.
  public let expectedByte: UInt8
  /// Where the content is torn, if it is.
  public let tear: Tear?
}

extension Mismatch: CustomStringConvertible {
  /// The mismatch as a sentence, without disk blocks.
  public var description: String { explanation(extents: nil) }

  /// The mismatch as a sentence; with an extent map, the extent and the disk block are named.
  public func explanation(extents: ExtentMap?) -> String {
    let count = range.upperBound - range.lowerBound
    let place = extents.map { " (\($0.place(of: range.lowerBound)))" } ?? ""
    if case .bitFlip(let bit) = cause {
      return "bit \(bit) of the byte at offset \(range.lowerBound)\(place) is flipped: "
        + "0x\(hexadecimal(found.first ?? 0)) instead of 0x\(hexadecimal(expectedByte)); "
        + "\(expected?.description ?? "nothing") belongs there"
    }
    let bytes = count == 1 ? "1 byte" : "\(count) bytes"
    let stretch = "\(bytes) at offset \(range.lowerBound)\(place)"
    return switch tear {
    case .wrongFrom(let byte): "torn at byte \(byte): right before it, then \(stretch) \(claim)"
    case .rightFrom(let byte): "torn at byte \(byte): \(stretch) \(claim), right after them"
    case nil: "\(stretch) \(claim)"
    }
  }

  /// What the bytes are and what belongs there: "are zeros where ... belongs".
  private var claim: String {
    let verb = range.upperBound - range.lowerBound == 1 ? "is" : "are"
    guard let expected else { return "\(verb) \(finding)" }
    return "\(verb) \(finding) where \(expected) \(expected.isPlural ? "belong" : "belongs")"
  }

  /// What the wrong bytes are: "zeros", "stale: generation 1".
  public var finding: String {
    switch cause {
    case .zeros: "zeros"
    case .ones: "all ones (nothing answered the read: master abort)"
    case .poison: "poison 0xA5 (never written)"
    case .filled(let byte): "all 0x\(hexadecimal(byte))"
    case .staleGeneration(let generation): "stale: generation \(generation)"
    case .newerGeneration(let generation): "too new: generation \(generation)"
    case .otherOffset(let generation, let offset):
      "the same file's generation \(generation), offset \(offset)"
    case .otherFile(let cell):
      "file \(cell.file), generation \(cell.generation), offset \(cell.offset)"
    case .bitFlip, .foreign:
      "of no golden file (\(found.prefix(16).map(hexadecimal).joined(separator: " ")))"
    case .missing: "missing: the content ends too early"
    case .excess: "beyond the end of the content"
    }
  }
}
