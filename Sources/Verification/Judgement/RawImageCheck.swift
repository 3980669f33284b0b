// SPDX-License-Identifier: Apache-2.0

import GoldenData

/// Compares a file that the guest left with the raw disk image, after the guest is gone.
public struct RawImageCheck: Sendable {
  /// Reads `count` bytes of an image from `offset`; fewer at its end.
  public typealias Reader = (_ offset: UInt64, _ count: Int) throws -> [UInt8]

  private static let chunk: UInt64 = 1 << 20

  private let extents: ExtentMap
  private let expected: ExpectedContent

  /// Prepares to check a file.
  ///
  /// - Throws: for content longer than `limit` bytes.
  public init(_ report: FileReport, limit: UInt64) throws(ProtocolViolation) {
    guard report.size <= limit, report.content.length == report.size else {
      throw ProtocolViolation(
        "\(report.path.prefix(200)) has \(report.size) bytes, more than the \(limit) that are checked"
      )
    }
    extents = report.extents
    expected = report.content
  }

  /// What differs, with extent and disk block; nil if nothing does. Holes and unwritten extents read
  /// as zeros.
  public func difference(reading: Reader) throws -> String? {
    var comparison = ContentComparison(expected: expected)
    var position: UInt64 = 0
    while position < expected.length {
      let (bytes, length) = try piece(at: position, reading)
      comparison.take(bytes)
      position += length
      // Beyond the end of the image: what is missing is the difference.
      if UInt64(bytes.count) < length { break }
    }
    return comparison.finish().map { $0.explanation(extents: extents) }
  }

  private func piece(at position: UInt64, _ reading: Reader) throws -> ([UInt8], UInt64) {
    let rest = min(expected.length - position, Self.chunk)
    guard let index = extents.index(of: position) else {
      let next = extents.start(behind: position) ?? expected.length
      let length = min(rest, next - position)
      return ([UInt8](repeating: 0, count: Int(length)), length)
    }
    let extent = extents.extents[index]
    let distance = position - extent.fileOffset
    let length = min(rest, extent.length - distance)
    if extent.unwritten { return ([UInt8](repeating: 0, count: Int(length)), length) }
    let bytes = try reading(extent.diskOffset + distance, Int(length))
    return (Array(bytes.prefix(Int(length))), length)
  }
}
