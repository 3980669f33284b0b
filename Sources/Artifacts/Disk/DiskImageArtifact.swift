// SPDX-License-Identifier: Apache-2.0

import Crypto
import Foundation
import GoldenData
import SystemPackage
import Topology

/// The image behind an NVMe namespace: sparse, with a file system that holds the golden files.
///
/// Made and filled without root: `mke2fs -d` and `mkfs.xfs -p` write into a plain file.
public struct DiskImageArtifact: Sendable {
  /// Version of the way that images are made; part of the key.
  private static let recipe = 1
  private static let imageName = "disk.raw"

  private let namespace: Namespace
  private let project: ProjectFiles
  private let store: ArtifactStore

  /// The image of a namespace.
  ///
  /// The identity of the namespace is part of it: XFS refuses to mount two file systems with one
  /// UUID, so each namespace of a guest has its own.
  public init(namespace: Namespace, project: ProjectFiles, store: ArtifactStore) {
    self.namespace = namespace
    self.project = project
    self.store = store
  }

  /// The template's path, made first when it is not in the store. It must not be written to: a run
  /// takes a copy with `instantiate(_:to:)`.
  ///
  /// - Parameter progress: receives reports.
  /// - Returns: an absolute path.
  /// - Throws: `ArtifactError`: `input` for a size that can't hold the files, `diskFull`,
  ///   `missingTool`.
  public func resolve(
    progress: @escaping ArtifactProgressHandler = { _ in }
  ) async throws(ArtifactError) -> FilePath {
    let size = namespace.size.bytes
    let minimum = namespace.filesystem.minimumSize
    guard size >= minimum.bytes, size <= 1 << 40 else {
      throw ArtifactError(
        .input,
        "namespace \(namespace.id) of \(namespace.size) can't hold \(namespace.filesystem.rawValue) "
          + "with the golden files",
        mend: "choose a `size` from \(minimum) to 1 TiB")
    }
    guard namespace.lba == 512 || namespace.lba == 4096, size % UInt64(namespace.lba) == 0 else {
      throw ArtifactError(
        .input, "namespace \(namespace.id) has blocks of \(namespace.lba) bytes",
        mend: "choose an `lba` of 512 or 4096, and a `size` that is a multiple of it")
    }
    let span = ProgressSpan(label: "disk \(namespace.id)", handler: progress)
    let tool = try HostTool.require(
      namespace.filesystem == .ext4 ? "mke2fs" : "mkfs.xfs", project: project)

    var key = ArtifactKey.Builder(kind: "disk")
    key.add("recipe", "\(DiskImageArtifact.recipe)")
    key.add("namespace", identity)
    for file in GoldenImageFile.all {
      key.add(
        file.path,
        file.content.bytes(from: 0, count: 4096) + Array("\(file.size)".utf8))
    }
    // The tool's content is its version: mke2fs and mkfs.xfs don't agree on how to ask for it.
    try key.add("tool", file: tool)

    let directory = try await store.entry("disk", key.key(), progress: span) {
      (directory, span) throws(ArtifactError) in
      try HostFiles.requireSpace(
        256 << 20, at: store.root, for: "making the disk image \(namespace.id)",
        mend: "free some space there, or move the cache with CROSSBAR_CACHE=DIR")
      try await make(in: directory, tool: tool, span: span)
    }
    span.report(1, "ready")
    return directory.appending(DiskImageArtifact.imageName)
  }

  /// A run's own copy of a template: shared blocks where the file system can, else a sparse copy.
  ///
  /// - Parameters:
  ///   - template: what `resolve` returned.
  ///   - path: the copy; a file that is there is replaced.
  /// - Throws: `ArtifactError` of kind `diskFull` that says what is needed and where.
  public static func instantiate(_ template: FilePath, to path: FilePath) throws(ArtifactError) {
    try SparseFile.copy(template, to: path)
  }

  private var identity: String {
    "\(namespace.id) \(namespace.size.bytes) \(namespace.lba) \(namespace.filesystem.rawValue)"
  }

  /// A version 8 UUID (RFC 9562, 5.8) out of the namespace's identity.
  var uuid: String {
    var bytes = Array(SHA256.hash(data: Data(identity.utf8)).prefix(16))
    bytes[6] = bytes[6] & 0x0F | 0x80
    bytes[8] = bytes[8] & 0x3F | 0x80
    let digits = FileDigest.hexadecimal(bytes)
    var uuid = ""
    for (index, digit) in digits.enumerated() {
      if [8, 12, 16, 20].contains(index) { uuid.append("-") }
      uuid.append(digit)
    }
    return uuid
  }

  private func make(
    in directory: FilePath, tool: FilePath, span: ProgressSpan
  ) async throws(ArtifactError) {
    span.report(0, "writing golden files")
    let content = directory.appending("content")
    try HostFiles.makeDirectory(content)
    for file in GoldenImageFile.all { try write(file, below: content) }
    span.report(0.4, "making \(namespace.filesystem.rawValue)")
    let image = directory.appending("fresh.raw")
    try SparseFile.create(image, size: namespace.size.bytes)
    let command =
      switch namespace.filesystem {
      case .ext4: ext4(tool, content: content, image: image)
      case .xfs: try xfs(tool, content: content, image: image, directory: directory)
      }
    try await command.check(
      "making the \(namespace.filesystem.rawValue) of namespace \(namespace.id)",
      mend: "a larger `size` may help")
    span.report(0.8, "making holes")
    // mkfs.xfs writes its log of zeros; a copy leaves them out.
    try SparseFile.copy(image, to: directory.appending(DiskImageArtifact.imageName))
    try HostFiles.remove(image)
    try HostFiles.remove(content)
    try HostFiles.remove(directory.appending("prototype"))
  }

  private func write(_ file: GoldenImageFile, below content: FilePath) throws(ArtifactError) {
    let path = FilePath("\(content)\(file.path)")
    try HostFiles.makeDirectory(path.removingLastComponent())
    let output: FileDescriptor
    do {
      output = try FileDescriptor.open(
        path, .writeOnly, options: [.create, .truncate, .closeOnExec],
        permissions: [.ownerReadWrite, .groupRead, .otherRead])
    } catch {
      throw HostFiles.failure("write", path, error as? Errno ?? .ioError)
    }
    defer { try? output.close() }
    let chunk = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 4096)
    defer { chunk.deallocate() }
    do {
      var offset: UInt64 = 0
      while offset < file.size {
        let count = Int(min(UInt64(chunk.count), file.size - offset))
        let part = UnsafeMutableRawBufferPointer(rebasing: chunk[..<count])
        file.content.fill(part, from: offset)
        try output.writeAll(UnsafeRawBufferPointer(part))
        offset += UInt64(count)
      }
    } catch {
      throw HostFiles.failure("write", path, error as? Errno ?? .ioError)
    }
    var times = [timespec(), timespec()]
    _ = utimensat(AT_FDCWD, path.string, &times, 0)
  }

  private func ext4(_ tool: FilePath, content: FilePath, image: FilePath) -> Command {
    var command = Command(
      tool,
      [
        "-q", "-F", "-t", "ext4", "-b", "4096", "-m", "0", "-U", uuid,
        // Lazy initialisation would let the guest's kernel write in the background, between the
        // transfers that are watched.
        "-E", "hash_seed=\(uuid),root_owner=0:0,lazy_itable_init=0,lazy_journal_init=0",
        "-d", content.string, image.string,
      ])
    command.environment = [
      "E2FSPROGS_FAKE_TIME": "1000000000", "MKE2FS_DEVICE_SECTSIZE": "\(namespace.lba)",
    ]
    return command
  }

  /// `mkfs.xfs -p` reads a description of the file system, as mkfs(8) of the Unix Seventh Edition.
  private func xfs(
    _ tool: FilePath, content: FilePath, image: FilePath, directory: FilePath
  ) throws(ArtifactError) -> Command {
    var lines = ["/", "0 0", "d--755 0 0"]
    for file in GoldenImageFile.all {
      let name = file.path.drop { $0 == "/" }
      lines.append("\(name) ---644 0 0 content/\(name)")
    }
    lines.append("$")
    let prototype = directory.appending("prototype")
    try HostFiles.write(lines.joined(separator: "\n") + "\n", to: prototype)
    var command = Command(
      tool,
      [
        "-q", "-f", "-m", "uuid=\(uuid)", "-s", "size=\(namespace.lba)", "-p", "prototype",
        image.string,
      ])
    // Names of files in the prototype can't hold blanks: relative ones never do.
    command.directory = directory
    return command
  }
}
