// SPDX-License-Identifier: Apache-2.0

/// A part of a command's data, and where it moved from or to.
struct DataPiece: Hashable {
  /// Offset in the command's data, in bytes.
  var offset: UInt64
  var length: UInt64
  /// On the bus; the I/O virtual address when nothing translated it.
  var address: UInt64
  var place: BusPlace
}
