// SPDX-License-Identifier: Apache-2.0

import CDeviceABI

/// One golden cell: 16 bytes that say to which file, offset and generation they belong.
///
/// The layout and the check value are those of `crossbar_cell.h`.
public struct Cell: Hashable, Sendable {
  /// Bytes of a cell.
  public static let size = Int(CROSSBAR_CELL_SIZE)

  /// File offset of the cell's first byte, in bytes, a multiple of 16.
  public let offset: UInt64
  /// Identity of the file.
  public let file: UInt16
  /// Counts the overwrites of the file.
  public let generation: UInt16

  /// A cell of `file` at `offset`; an offset between two cells is rounded down to its cell.
  public init(file: UInt16, generation: UInt16, offset: UInt64) {
    self.offset = offset & ~UInt64(Self.size - 1)
    self.file = file
    self.generation = generation
  }

  /// The cell that 16 bytes hold, or nil when they are not one (wrong size, check or alignment).
  public init?(decoding bytes: some Collection<UInt8>) {
    guard bytes.count == Self.size else { return nil }
    var words = CellBytes()
    for (index, byte) in bytes.enumerated() { words[index] = byte }
    self.init(words)
  }

  init?(_ bytes: CellBytes) {
    let file = UInt16(truncatingIfNeeded: bytes.high)
    let generation = UInt16(truncatingIfNeeded: bytes.high >> 16)
    guard bytes.low % UInt64(Self.size) == 0,
      crossbar_cell_check(bytes.low, file, generation)
        == UInt32(truncatingIfNeeded: bytes.high >> 32)
    else { return nil }
    self.offset = bytes.low
    self.file = file
    self.generation = generation
  }

  /// The cell's 16 bytes.
  public var encoded: [UInt8] {
    let words = CellBytes(self)
    return (0..<Self.size).map { words[$0] }
  }
}
