// SPDX-License-Identifier: Apache-2.0

import Crypto
import Foundation
import SystemPackage

/// SHA-256 of a file's content.
enum FileDigest {
  /// 64 hexadecimal digits over the file's bytes, as `sha256sum` prints them.
  ///
  /// A disk image is mostly holes. They are hashed from a page of zeros instead of being read.
  static func sha256(of path: FilePath) throws(ArtifactError) -> String {
    let file: FileDescriptor
    do {
      file = try FileDescriptor.open(path, .readOnly, options: .closeOnExec)
    } catch {
      throw HostFiles.failure("read", path, error as? Errno ?? .ioError)
    }
    defer { try? file.close() }
    do {
      var hash = SHA256()
      let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 4096)
      defer { buffer.deallocate() }
      while true {
        let count = try file.read(into: buffer)
        if count == 0 { break }
        hash.update(bufferPointer: UnsafeRawBufferPointer(rebasing: buffer[..<count]))
      }
      return hexadecimal(hash.finalize())
    } catch {
      throw HostFiles.failure("read", path, error as? Errno ?? .ioError)
    }
  }

  /// SHA-256 over size, and place and content of each 64 KiB block that holds anything but zeros:
  /// equal for equal content, and quick for a sparse file because holes are skipped.
  static func sparse(of path: FilePath) throws(ArtifactError) -> String {
    var hash = SHA256()
    let size = try SparseFile.forEachBlock(of: path) { offset, block in
      withUnsafeBytes(of: offset.littleEndian) { hash.update(bufferPointer: $0) }
      hash.update(bufferPointer: block)
    }
    withUnsafeBytes(of: size.littleEndian) { hash.update(bufferPointer: $0) }
    return hexadecimal(hash.finalize())
  }

  static func hexadecimal(_ digest: some Sequence<UInt8>) -> String {
    digest.map { byte in
      let text = String(byte, radix: 16)
      return text.count == 1 ? "0" + text : text
    }.joined()
  }
}
