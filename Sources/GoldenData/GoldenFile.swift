// SPDX-License-Identifier: Apache-2.0

import CDeviceABI

/// The endless content of one generation of one golden file: a row of cells.
public struct GoldenFile: Hashable, Sendable {
  /// What memory holds before a transfer that must overwrite it.
  public static let poison = UInt8(CROSSBAR_POISON)

  /// Identity of the file.
  public let file: UInt16
  /// Counts the overwrites of the file.
  public let generation: UInt16

  /// The content of `generation` of file number `file`.
  public init(file: UInt16, generation: UInt16) {
    self.file = file
    self.generation = generation
  }

  /// Writes the file's bytes from `offset` on into `buffer`, at memory speed in a release build.
  ///
  /// Neither the offset nor the count has to be a multiple of a cell; the offset wraps at 2^64.
  public func fill(_ buffer: UnsafeMutableRawBufferPointer, from offset: UInt64) {
    guard let base = buffer.baseAddress else { return }
    let size = Cell.size
    var position = 0
    let intoCell = Int(offset % UInt64(size))
    if intoCell != 0 {
      position = min(size - intoCell, buffer.count)
      copyCell(at: offset, places: intoCell..<(intoCell + position), to: base)
    }
    var cellOffset = offset &+ UInt64(position)
    while position &+ size <= buffer.count {
      let raw = crossbar_cell_make(cellOffset, file, generation)
      base.storeBytes(of: raw, toByteOffset: position, as: crossbar_cell.self)
      position &+= size
      cellOffset &+= UInt64(size)
    }
    if position < buffer.count {
      copyCell(at: cellOffset, places: 0..<(buffer.count - position), to: base + position)
    }
  }

  /// `count` bytes of the file from `offset` on.
  public func bytes(from offset: UInt64, count: Int) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: max(count, 0)) { buffer, initialized in
      fill(UnsafeMutableRawBufferPointer(buffer), from: offset)
      initialized = buffer.count
    }
  }

  private func copyCell(
    at offset: UInt64, places: Range<Int>, to target: UnsafeMutableRawPointer
  ) {
    let bytes = CellBytes(Cell(file: file, generation: generation, offset: offset))
    for (index, place) in places.enumerated() {
      target.storeBytes(of: bytes[place], toByteOffset: index, as: UInt8.self)
    }
  }
}
