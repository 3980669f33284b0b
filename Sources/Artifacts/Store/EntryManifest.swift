// SPDX-License-Identifier: Apache-2.0

import Foundation
import SystemPackage

/// What a finished entry of the store holds, written into it as `manifest.json`.
struct EntryManifest: Codable, Hashable, Sendable {
  static let schema = "crossbar.artifact/1"
  static let fileName = "manifest.json"

  /// How an entry is checked when it is used.
  enum Check: String, Codable, Sendable {
    /// SHA-256 of each file.
    case digest
    /// Number of files and their total size only: for trees of so many files that reading them would
    /// take longer than what they are used for.
    case census
  }

  struct File: Codable, Hashable, Sendable {
    let path: String
    let size: UInt64
    /// SHA-256 as `FileDigest.sparse` for a sparse file, else as `FileDigest.sha256`.
    let digest: String
    let sparse: Bool
  }

  var schema = EntryManifest.schema
  let kind: String
  let key: String
  let check: Check
  let files: [File]
  let fileCount: Int
  let totalBytes: UInt64

  /// Takes stock of a directory.
  init(of directory: FilePath, kind: String, key: ArtifactKey, check: Check) throws(ArtifactError) {
    self.kind = kind
    self.key = key.description
    self.check = check
    let census = EntryManifest.census(of: directory)
    fileCount = census.count
    totalBytes = census.reduce(0) { $0 + $1.size }
    var files: [File] = []
    if check == .digest {
      for file in census {
        let path = directory.appending(file.path)
        let sparse = SparseFile.allocatedBytes(of: path) < file.size / 2
        files.append(
          File(
            path: file.path, size: file.size,
            digest: try sparse ? FileDigest.sparse(of: path) : FileDigest.sha256(of: path),
            sparse: sparse))
      }
    }
    self.files = files
  }

  static func read(from directory: FilePath) throws(ArtifactError) -> EntryManifest {
    let bytes = try HostFiles.read(directory.appending(fileName), limit: 64 << 20)
    do {
      return try JSONDecoder().decode(EntryManifest.self, from: Data(bytes))
    } catch {
      throw ArtifactError(.input, "\(fileName) is not readable: \(error)", mend: "")
    }
  }

  /// The digest of a file of a finished entry, as the manifest has it.
  static func digest(of file: String, in directory: FilePath) throws(ArtifactError) -> String {
    guard let found = try read(from: directory).files.first(where: { $0.path == file }) else {
      throw ArtifactError(
        .system, "\(directory) has no \(file)", mend: "remove it so that it is made again")
    }
    return found.digest
  }

  func write(to directory: FilePath) throws(ArtifactError) {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    do {
      try HostFiles.write(
        [UInt8](try encoder.encode(self)), to: directory.appending(EntryManifest.fileName))
    } catch let error as ArtifactError {
      throw error
    } catch {
      throw ArtifactError(.system, "can't write \(directory): \(error)", mend: "")
    }
  }

  /// What is wrong with a directory, or nil when it is what the manifest says.
  func damage(of directory: FilePath, kind: String, key: ArtifactKey) throws(ArtifactError)
    -> String?
  {
    guard schema == EntryManifest.schema, self.kind == kind, self.key == key.description else {
      return "its manifest belongs to another artifact"
    }
    let census = EntryManifest.census(of: directory)
    guard check == .digest else {
      let bytes = census.reduce(0) { $0 + $1.size }
      return census.count == fileCount && bytes == totalBytes
        ? nil : "\(census.count) files of \(bytes) bytes instead of \(fileCount) of \(totalBytes)"
    }
    for file in files {
      guard let found = census.first(where: { $0.path == file.path }) else {
        return "\(file.path) is missing"
      }
      guard found.size == file.size else {
        return "\(file.path) has \(found.size) bytes instead of \(file.size)"
      }
      let path = directory.appending(file.path)
      let digest = try file.sparse ? FileDigest.sparse(of: path) : FileDigest.sha256(of: path)
      guard digest == file.digest else {
        return "the SHA-256 of \(file.path) is \(digest.prefix(16))... instead of "
          + "\(file.digest.prefix(16))..."
      }
    }
    return nil
  }

  private static func census(of directory: FilePath) -> [(path: String, size: UInt64)] {
    var files: [(path: String, size: UInt64)] = []
    HostFiles.walk(directory) { path, size in
      if path != fileName { files.append((path, size)) }
    }
    return files.sorted { $0.path < $1.path }
  }
}
