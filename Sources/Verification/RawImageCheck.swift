// SPDX-License-Identifier: Apache-2.0

import GoldenData

/// Compares a file that the guest left with the raw disk image, after the guest is gone.
public struct RawImageCheck: Sendable {
  /// Reads `count` bytes of an image from `offset`; fewer at its end.
  public typealias Reader = (_ offset: UInt64, _ count: Int) throws -> [UInt8]

  private static let chunk: UInt64 = 1 << 20

  /// Where the file's bytes are.
  private var extents: ExtentMap
  private var expected: ExpectedContent
  private var size: UInt64

  /// Prepares to check a file.
  ///
  /// - Throws: for extents that overlap, lengths that overflow, or content longer than `limit` bytes.
  public init(_ report: FileReport, limit: UInt64) throws(ProtocolViolation) {
    let extents = report.extents.compactMap { words -> Extent? in
      guard words.count == 4, words[3] <= 1 else { return nil }
      return Extent(
        fileOffset: words[0], diskOffset: words[1], length: words[2], unwritten: words[3] == 1)
    }
    guard extents.count == report.extents.count, let map = ExtentMap(extents),
      let expected = ExpectedContent(report.segments.map(\.segment)),
      expected.length == report.size, report.size <= limit
    else {
      throw ProtocolViolation("the extents or the content of \(report.path.prefix(200)) can't be")
    }
    self.extents = map
    self.expected = expected
    size = report.size
  }

  /// What differs, explained; `nil` if nothing does. Holes and unwritten extents read as zeros.
  public func difference(reading: Reader) throws -> String? {
    var comparison = ContentComparison(expected: expected)
    var position: UInt64 = 0
    while position < size {
      let (bytes, length) = try piece(at: position, reading)
      comparison.take(bytes)
      position += length
    }
    return comparison.finish().map { $0.explanation(extents: extents) }
  }

  private func piece(at position: UInt64, _ reading: Reader) throws -> ([UInt8], UInt64) {
    let rest = min(size - position, Self.chunk)
    guard let index = extents.index(of: position) else {
      // A hole, up to the next extent.
      let next = extents.extents.map(\.fileOffset).filter { $0 > position }.min() ?? size
      let length = min(rest, next - position)
      return ([UInt8](repeating: 0, count: Int(length)), length)
    }
    let extent = extents.extents[index]
    let distance = position - extent.fileOffset
    let length = min(rest, extent.length - distance)
    guard !extent.unwritten else { return ([UInt8](repeating: 0, count: Int(length)), length) }
    let bytes = try reading(extent.diskOffset &+ distance, Int(length))
    // Beyond the end of the image: what is missing shows up as a difference.
    return (bytes + [UInt8](repeating: 0xFF, count: Int(length) - bytes.count), length)
  }
}
