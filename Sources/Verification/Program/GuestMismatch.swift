// SPDX-License-Identifier: Apache-2.0

import GoldenData

/// Wrong bytes, as the guest saw them.
public struct GuestMismatch: Hashable, Sendable {
  /// File offset of the first wrong byte, or of its cell.
  public var offset: UInt64
  /// What belongs there, in the guest's words, such as "cells file 1 gen 1 off 4096".
  public var expected: String
  /// The bytes found there, at most 32; none when the transfer was too short.
  public var found: FoundBytes

  /// A mismatch.
  public init(offset: UInt64, expected: String, found: FoundBytes) {
    self.offset = offset
    self.expected = expected
    self.found = found
  }

  /// What belongs there, if the guest's words can be read.
  private var segment: Segment? {
    let words = expected.split(separator: " ")
    let length = UInt64(found.bytes.count)
    if words == ["zeros"] { return Segment(length: length, kind: .zeros) }
    guard words.count == 7, words[0] == "cells", words[1] == "file", words[3] == "gen",
      words[5] == "off", let file = UInt16(words[2]), let generation = UInt16(words[4]),
      let offset = UInt64(words[6])
    else { return nil }
    return Segment(
      length: length, kind: .cells(GoldenFile(file: file, generation: generation), offset: offset))
  }
}

extension GuestMismatch: CustomStringConvertible {
  /// The mismatch as a sentence.
  public var description: String {
    let place = "from file offset \(offset) on, the guest"
    guard !found.bytes.isEmpty else { return "\(place) got nothing: \(expected)" }
    if let segment, let content = ExpectedContent([segment]),
      let mismatch = ContentComparison.difference(of: found.bytes, from: content)?.first.first
    {
      if case .bitFlip(let bit) = mismatch.cause {
        return "\(place) found a flipped bit: bit \(bit) of byte "
          + "\(offset &+ mismatch.range.lowerBound), where \(segment.kind) belongs"
      }
      return "\(place) found \(mismatch.finding) where \(segment.kind) belongs"
    }
    return "\(place) found \(found) where \(expected) belongs"
  }
}
