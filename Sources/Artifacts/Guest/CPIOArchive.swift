// SPDX-License-Identifier: Apache-2.0

/// Writes an archive in the `newc` format that the kernel unpacks (Linux,
/// Documentation/driver-api/early-userspace/buffer-format.rst).
///
/// The bytes depend on the entries only: sorted by path, owned by root, dated 1970. Device nodes are
/// entries like any other, so no root is needed.
public struct CPIOArchive: Hashable, Sendable {
  /// What an entry is.
  public enum Content: Hashable, Sendable {
    /// A directory.
    case directory
    /// A regular file with these bytes.
    case file([UInt8])
    /// A symbolic link to this path.
    case link(String)
    /// A character device.
    case character(major: UInt32, minor: UInt32)
    /// A block device.
    case block(major: UInt32, minor: UInt32)
  }

  /// One path of the archive.
  public struct Entry: Hashable, Sendable {
    /// Path without a leading slash.
    public let path: String
    /// Permission bits, at most 0o7777.
    public let permissions: UInt32
    /// What it is.
    public let content: Content
  }

  private var entries: [String: Entry] = [:]

  /// An empty archive.
  public init() {}

  /// All entries as they are written: a directory before what is in it.
  public var sorted: [Entry] {
    entries.values.sorted {
      $0.path.split(separator: "/").lexicographicallyPrecedes($1.path.split(separator: "/"))
    }
  }

  /// Whether there is an entry of this path.
  public func contains(_ path: String) -> Bool {
    entries[CPIOArchive.normalised(path)] != nil
  }

  /// The target of the symbolic link at a path, or nil.
  public func link(at path: String) -> String? {
    guard case .link(let target)? = entries[CPIOArchive.normalised(path)]?.content else {
      return nil
    }
    return target
  }

  /// Adds an entry, replacing one of the same path, and the directories above it.
  ///
  /// - Parameters:
  ///   - path: path in the guest, with or without a leading slash.
  ///   - permissions: permission bits; higher bits are dropped.
  ///   - content: what it is.
  public mutating func add(_ path: String, permissions: UInt32, _ content: Content) {
    let path = CPIOArchive.normalised(path)
    guard !path.isEmpty else { return }
    let parent = path.split(separator: "/").dropLast().joined(separator: "/")
    if !parent.isEmpty, entries[parent] == nil { add(parent, permissions: 0o755, .directory) }
    entries[path] = Entry(path: path, permissions: permissions & 0o7777, content: content)
  }

  /// The archive.
  public func bytes() -> [UInt8] {
    var output: [UInt8] = []
    for (index, entry) in sorted.enumerated() {
      append(entry, inode: UInt32(truncatingIfNeeded: index + 1), to: &output)
    }
    append(
      header(inode: 0, mode: 0, links: 1, size: 0, major: 0, minor: 0, name: "TRAILER!!!"),
      name: "TRAILER!!!", data: [], to: &output)
    // A whole number of blocks of 512 bytes, as cpio itself writes.
    output.append(contentsOf: [UInt8](repeating: 0, count: (512 - output.count % 512) % 512))
    return output
  }

  private func append(_ entry: Entry, inode: UInt32, to output: inout [UInt8]) {
    var type: UInt32
    var links: UInt32 = 1
    var data: [UInt8] = []
    var major: UInt32 = 0
    var minor: UInt32 = 0
    switch entry.content {
    case .directory:
      type = 0o040000
      links = 2
    case .file(let bytes):
      type = 0o100000
      data = bytes
    case .link(let target):
      type = 0o120000
      data = Array(target.utf8)
    case .character(let deviceMajor, let deviceMinor):
      type = 0o020000
      (major, minor) = (deviceMajor, deviceMinor)
    case .block(let deviceMajor, let deviceMinor):
      type = 0o060000
      (major, minor) = (deviceMajor, deviceMinor)
    }
    type |= entry.permissions
    append(
      header(
        inode: inode, mode: type, links: links, size: UInt32(clamping: data.count), major: major,
        minor: minor, name: entry.path),
      name: entry.path, data: data, to: &output)
  }

  /// The magic and thirteen numbers of eight hexadecimal digits.
  private func header(
    inode: UInt32, mode: UInt32, links: UInt32, size: UInt32, major: UInt32, minor: UInt32,
    name: String
  ) -> [UInt8] {
    let owner: [UInt32] = [0, 0]
    let time: UInt32 = 0
    let device: [UInt32] = [0, 0]
    let numbers =
      [inode, mode] + owner + [links, time, size] + device
      + [major, minor, UInt32(clamping: name.utf8.count + 1), 0]
    var header = Array("070701".utf8)
    for number in numbers {
      let digits = String(number, radix: 16, uppercase: true)
      header.append(contentsOf: String(repeating: "0", count: 8 - digits.count).utf8)
      header.append(contentsOf: digits.utf8)
    }
    return header
  }

  private func append(_ header: [UInt8], name: String, data: [UInt8], to output: inout [UInt8]) {
    func pad() {
      output.append(contentsOf: [UInt8](repeating: 0, count: (4 - output.count % 4) % 4))
    }
    output.append(contentsOf: header)
    output.append(contentsOf: name.utf8)
    output.append(0)
    pad()
    output.append(contentsOf: data)
    pad()
  }

  private static func normalised(_ path: String) -> String {
    path.split(separator: "/").filter { $0 != "." }.joined(separator: "/")
  }
}
