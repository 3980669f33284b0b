// SPDX-License-Identifier: Apache-2.0

/// A stretch of content and what belongs into it.
public struct Segment: Hashable, Sendable {
  /// What belongs into a stretch.
  public enum Kind: Hashable, Sendable {
    /// Cells of a golden file, from this file offset on.
    case cells(GoldenFile, offset: UInt64)
    /// Zeros: a hole, or blocks that were never written.
    case zeros
    /// The same byte throughout, for instance poison that must not be overwritten.
    case byte(UInt8)
  }

  /// Length in bytes.
  public let length: UInt64
  /// What belongs into it.
  public let kind: Kind

  /// `length` bytes of `kind`.
  public init(length: UInt64, kind: Kind) {
    self.length = length
    self.kind = kind
  }

  /// What belongs at `distance` bytes into the segment.
  public func expectation(at distance: UInt64) -> Kind {
    guard case .cells(let file, let offset) = kind else { return kind }
    return .cells(file, offset: offset &+ distance)
  }

  /// Writes what belongs into the segment from `distance` bytes on.
  public func fill(_ buffer: UnsafeMutableRawBufferPointer, from distance: UInt64) {
    switch kind {
    case .cells(let file, let offset): file.fill(buffer, from: offset &+ distance)
    case .zeros: buffer.initializeMemory(as: UInt8.self, repeating: 0)
    case .byte(let byte): buffer.initializeMemory(as: UInt8.self, repeating: byte)
    }
  }

  /// The cell that belongs around `distance`, or the byte that does, as 16 bytes.
  func cellBytes(at distance: UInt64) -> CellBytes {
    switch kind {
    case .cells(let file, let offset):
      let cell = Cell(
        file: file.file, generation: file.generation, offset: offset &+ distance)
      return CellBytes(cell)
    case .zeros: return CellBytes()
    case .byte(let byte): return CellBytes(repeating: byte)
    }
  }

  /// How far `distance` is into its cell, in bytes. Content without cells has its own grid of 16.
  func placeInCell(at distance: UInt64) -> Int {
    let base: UInt64 = if case .cells(_, let offset) = kind { offset } else { 0 }
    return Int((base &+ distance) % UInt64(Cell.size))
  }
}

extension Segment.Kind: CustomStringConvertible {
  /// In words, such as "file 1, generation 1, offset 8192".
  public var description: String {
    switch self {
    case .cells(let file, let offset):
      "file \(file.file), generation \(file.generation), offset \(offset)"
    case .zeros: "zeros"
    case .byte(GoldenFile.poison): "untouched poison (0xA5)"
    case .byte(let byte): "bytes 0x\(hexadecimal(byte))"
    }
  }

  var isPlural: Bool {
    switch self {
    case .cells, .byte(GoldenFile.poison): false
    case .zeros, .byte: true
    }
  }
}

func hexadecimal(_ byte: UInt8) -> String {
  let digits = String(byte, radix: 16, uppercase: true)
  return byte < 16 ? "0" + digits : digits
}
