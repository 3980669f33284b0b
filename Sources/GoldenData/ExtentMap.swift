// SPDX-License-Identifier: Apache-2.0

/// Where a file's bytes lie on its disk.
public struct ExtentMap: Hashable, Sendable {
  /// Size of the disk blocks that explanations name, in bytes.
  public static let blockSize: UInt64 = 4096

  /// Sorted by file offset, none overlapping another.
  public let extents: [Extent]

  /// A map of `extents` in any order; nil when two overlap or one reaches beyond 2^63.
  public init?(_ extents: [Extent]) {
    let sorted = extents.filter { $0.length > 0 }.sorted { $0.fileOffset < $1.fileOffset }
    let limit = UInt64(Int64.max)
    var end: UInt64 = 0
    for extent in sorted {
      guard extent.length <= limit, extent.fileOffset <= limit - extent.length,
        extent.diskOffset <= limit - extent.length, extent.fileOffset >= end
      else { return nil }
      end = extent.fileOffset + extent.length
    }
    self.extents = sorted
  }

  /// Number, from 0, of the extent that holds the byte at `fileOffset`; nil in a hole.
  public func index(of fileOffset: UInt64) -> Int? {
    var low = 0
    var high = extents.count
    while low < high {
      let middle = (low + high) / 2
      if extents[middle].fileOffset <= fileOffset { low = middle + 1 } else { high = middle }
    }
    guard low > 0, fileOffset - extents[low - 1].fileOffset < extents[low - 1].length else {
      return nil
    }
    return low - 1
  }

  /// File offset of the first extent that begins behind `fileOffset`; nil when none does.
  public func start(behind fileOffset: UInt64) -> UInt64? {
    extents.first { $0.fileOffset > fileOffset }?.fileOffset
  }

  /// Where the byte at `fileOffset` lies, in words: "extent 2, disk block 1034".
  public func place(of fileOffset: UInt64) -> String {
    guard let index = index(of: fileOffset) else { return "in a hole" }
    let extent = extents[index]
    let disk = extent.diskOffset + (fileOffset - extent.fileOffset)
    let state = extent.unwritten ? "unwritten extent" : "extent"
    return "\(state) \(index), disk block \(disk / Self.blockSize)"
  }
}
