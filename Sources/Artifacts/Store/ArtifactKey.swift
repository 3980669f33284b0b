// SPDX-License-Identifier: Apache-2.0

import Crypto
import SystemPackage

/// The name of an artifact: SHA-256 over everything that it is made from.
public struct ArtifactKey: Hashable, Sendable, CustomStringConvertible {
  /// 64 hexadecimal digits.
  public let description: String

  /// The key over named inputs; names and contents are length-prefixed, so no two lists of inputs
  /// run into the same bytes.
  struct Builder {
    private var hash = SHA256()

    init(kind: String) {
      add("kind", kind)
    }

    mutating func add(_ name: String, _ bytes: [UInt8]) {
      append(Array(name.utf8))
      append(bytes)
    }

    mutating func add(_ name: String, _ text: String) {
      add(name, Array(text.utf8))
    }

    /// Adds a file's content and whether it is executable, under a name independent of where the
    /// project lies.
    mutating func add(_ name: String, file: FilePath) throws(ArtifactError) {
      add(name, try HostFiles.read(file))
      add("executable", HostFiles.isExecutable(file) ? "yes" : "no")
    }

    /// Adds all regular files below a directory, with their relative paths.
    mutating func add(_ name: String, directory: FilePath) throws(ArtifactError) {
      let files = HostFiles.regularFiles(below: directory)
      add(name, "\(files.count) files")
      for file in files { try add(file, file: directory.appending(file)) }
    }

    func key() -> ArtifactKey {
      ArtifactKey(description: FileDigest.hexadecimal(hash.finalize()))
    }

    private mutating func append(_ bytes: [UInt8]) {
      withUnsafeBytes(of: UInt64(bytes.count).littleEndian) { hash.update(bufferPointer: $0) }
      hash.update(data: bytes)
    }
  }
}
