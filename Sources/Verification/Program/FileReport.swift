// SPDX-License-Identifier: Apache-2.0

import GoldenData

/// A file that is left on a disk, for the host to find in the raw image.
public struct FileReport: Hashable, Sendable {
  /// Id of the namespace.
  public var volume: String
  /// Path in the volume's file system.
  public var path: String
  /// Identity of the golden file.
  public var file: UInt16
  /// Size in bytes.
  public var size: UInt64
  /// Where it lies.
  public var extents: ExtentMap
  /// What it must hold.
  public var content: ExpectedContent

  /// A file's report.
  public init(
    volume: String, path: String, file: UInt16, size: UInt64, extents: ExtentMap,
    content: ExpectedContent
  ) {
    self.volume = volume
    self.path = path
    self.file = file
    self.size = size
    self.extents = extents
    self.content = content
  }
}
