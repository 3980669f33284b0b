// SPDX-License-Identifier: Apache-2.0

/// An NVMe namespace that holds one file system.
public struct Namespace: Sendable, Hashable, Codable {
  /// The name, which is the volume's name in reports.
  public var id: String
  /// The namespace identifier, unique in the whole guest: QEMU's trace names nothing else.
  public var nsid: UInt32
  /// Bytes of the namespace, a multiple of `lba`.
  public var size: ByteCount
  /// Bytes of a logical block, 512 or 4096.
  public var lba: Int
  /// What the namespace is formatted with.
  public var filesystem: FileSystem

  /// Makes a namespace.
  public init(id: String, nsid: UInt32, size: ByteCount, lba: Int, filesystem: FileSystem) {
    self.id = id
    self.nsid = nsid
    self.size = size
    self.lba = lba
    self.filesystem = filesystem
  }
}

/// The file systems that a namespace can be formatted with.
public enum FileSystem: String, Sendable, Hashable, Codable, CaseIterable {
  /// The fourth extended file system.
  case ext4
  /// XFS.
  case xfs

  /// The smallest namespace that it fits on, together with Crossbar's files.
  ///
  /// mkfs.xfs refuses less than 300 MiB; ext4 has to hold the golden file of 32 MiB and a journal.
  public var minimumSize: ByteCount {
    switch self {
    case .ext4: .mebibytes(64)
    case .xfs: .mebibytes(300)
    }
  }
}
