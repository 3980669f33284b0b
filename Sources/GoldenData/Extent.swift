// SPDX-License-Identifier: Apache-2.0

/// A stretch of a file and where it lies on its disk.
public struct Extent: Hashable, Sendable, Codable {
  /// First byte in the file.
  public let fileOffset: UInt64
  /// First byte on the disk (in the namespace).
  public let diskOffset: UInt64
  /// Length in bytes.
  public let length: UInt64
  /// Allocated, but reads as zeros.
  public let unwritten: Bool

  /// The `length` bytes from `fileOffset` on lie at `diskOffset`.
  public init(fileOffset: UInt64, diskOffset: UInt64, length: UInt64, unwritten: Bool = false) {
    self.fileOffset = fileOffset
    self.diskOffset = diskOffset
    self.length = length
    self.unwritten = unwritten
  }
}
