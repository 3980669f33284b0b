// SPDX-License-Identifier: Apache-2.0

/// What a file, or a stretch of peer memory, must hold: segments, one after the other.
public struct ExpectedContent: Hashable, Sendable {
  /// The segments, in order, without empty ones.
  public let segments: [Segment]
  /// Sum of their lengths, in bytes.
  public let length: UInt64

  /// The content of `segments`; nil when their lengths add up to more than 2^63 bytes.
  public init?(_ segments: [Segment]) {
    var length: UInt64 = 0
    for segment in segments {
      let (sum, overflow) = length.addingReportingOverflow(segment.length)
      guard !overflow, sum <= UInt64(Int64.max) else { return nil }
      length = sum
    }
    self.segments = segments.filter { $0.length > 0 }
    self.length = length
  }

  /// `length` bytes of one golden file.
  public init(_ file: GoldenFile, offset: UInt64, length: UInt32) {
    self.segments =
      length > 0 ? [Segment(length: UInt64(length), kind: .cells(file, offset: offset))] : []
    self.length = UInt64(length)
  }

  /// The bytes themselves, for content that fits into memory.
  public func bytes() -> [UInt8] {
    var result: [UInt8] = []
    for segment in segments {
      let count = Int(segment.length)
      result.append(
        contentsOf: [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
          segment.fill(UnsafeMutableRawBufferPointer(buffer), from: 0)
          initialized = count
        })
    }
    return result
  }
}
