// SPDX-License-Identifier: Apache-2.0

import Foundation
import SystemPackage

/// Files that are mostly holes: disk images.
enum SparseFile {
  /// Granularity at which zeros are told from data, in bytes.
  static let blockSize = 64 << 10

  /// Calls the body for each block that holds anything but zeros, in order.
  ///
  /// - Returns: size of the file in bytes.
  static func forEachBlock(
    of path: FilePath, _ body: (_ offset: UInt64, _ block: UnsafeRawBufferPointer) throws -> Void
  ) throws(ArtifactError) -> UInt64 {
    do {
      let file = try FileDescriptor.open(path, .readOnly, options: .closeOnExec)
      defer { try? file.close() }
      let size = try file.seek(offset: 0, from: .end)
      let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: blockSize, alignment: 4096)
      defer { buffer.deallocate() }
      var offset: Int64 = 0
      while offset < size {
        let data = lseek(file.rawValue, off_t(offset), seekData)
        if data < 0 {
          // ENXIO: nothing but holes up to the end. Anything else: no support for holes.
          if errno == ENXIO { break }
        } else {
          offset = Int64(data) / Int64(blockSize) * Int64(blockSize)
        }
        var count = 0
        while count < blockSize {
          let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[count...])
          let got = try file.read(fromAbsoluteOffset: offset + Int64(count), into: rest)
          if got == 0 { break }
          count += got
        }
        if count == 0 { break }
        let block = UnsafeRawBufferPointer(rebasing: buffer[..<count])
        if !isZero(block) { try body(UInt64(offset), block) }
        offset += Int64(blockSize)
      }
      return UInt64(size)
    } catch let error as ArtifactError {
      throw error
    } catch {
      throw HostFiles.failure("read", path, error as? Errno ?? .ioError)
    }
  }

  /// Makes a file of holes only, which must not exist yet.
  static func create(_ path: FilePath, size: UInt64) throws(ArtifactError) {
    guard let length = Int64(exactly: size) else {
      throw HostFiles.failure("make", path, .fileTooLarge)
    }
    do {
      let file = try FileDescriptor.open(
        path, .writeOnly, options: [.create, .exclusiveCreate, .closeOnExec],
        permissions: [.ownerReadWrite, .groupRead, .otherRead])
      defer { try? file.close() }
      try file.resize(to: length)
    } catch {
      throw HostFiles.failure("make", path, error as? Errno ?? .ioError)
    }
  }

  /// Copies a file so that changes of the copy leave the original alone: shared blocks where the
  /// file system can share them (FICLONE), else only what is not zero.
  ///
  /// - Throws: `ArtifactError` of kind `diskFull` with what is needed, leaving no copy behind.
  static func copy(_ source: FilePath, to target: FilePath) throws(ArtifactError) {
    do {
      try copyOrClone(source, to: target)
    } catch {
      _ = unlink(target.string)
      guard error.kind == .diskFull else { throw error }
      throw ArtifactError(
        .diskFull,
        "copying \(source) to \(target) needs \(HostFiles.mebibytes(allocatedBytes(of: source))), "
          + "and only \(HostFiles.mebibytes(HostFiles.availableBytes(at: target) ?? 0)) are free",
        mend: "free some space there, or choose another place with --output DIR")
    }
  }

  private static func copyOrClone(_ source: FilePath, to target: FilePath) throws(ArtifactError) {
    let output: FileDescriptor
    do {
      output = try FileDescriptor.open(
        target, .writeOnly, options: [.create, .truncate, .closeOnExec],
        permissions: [.ownerReadWrite, .groupRead, .otherRead])
    } catch {
      throw HostFiles.failure("make", target, error as? Errno ?? .ioError)
    }
    defer { try? output.close() }
    if clone(source, to: output) { return }
    var written: Errno?
    let size = try forEachBlock(of: source) { offset, block in
      do {
        _ = try output.writeAll(toAbsoluteOffset: Int64(offset), block)
      } catch {
        written = error as? Errno ?? .ioError
        throw HostFiles.failure("write", target, written ?? .ioError)
      }
    }
    do {
      try output.resize(to: Int64(size))
    } catch {
      throw HostFiles.failure("write", target, error as? Errno ?? .ioError)
    }
  }

  /// SEEK_DATA of lseek(2): the next byte that is not in a hole.
  private static let seekData: CInt = 3

  /// FICLONE of linux/fs.h: `_IOW(0x94, 9, int)`.
  private static let ficlone: UInt = 0x4004_9409

  private static func clone(_ source: FilePath, to output: FileDescriptor) -> Bool {
    guard
      let input = try? FileDescriptor.open(source, .readOnly, options: .closeOnExec)
    else { return false }
    defer { try? input.close() }
    return ioctl(output.rawValue, ficlone, input.rawValue) == 0
  }

  /// Bytes that a file takes on disk.
  static func allocatedBytes(of path: FilePath) -> UInt64 {
    var status = stat()
    guard stat(path.string, &status) == 0, status.st_blocks >= 0 else { return 0 }
    return UInt64(status.st_blocks) * 512
  }

  private static func isZero(_ block: UnsafeRawBufferPointer) -> Bool {
    guard let first = block.first, first == 0, let base = block.baseAddress else {
      return block.isEmpty
    }
    // Equal to itself shifted by one byte, and the first byte is zero: all are.
    return memcmp(base, base + 1, block.count - 1) == 0
  }
}
