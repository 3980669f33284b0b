// SPDX-License-Identifier: Apache-2.0

import Foundation
import SystemPackage

/// The few file operations of this module, with errors that say which file and what to do.
enum HostFiles {
  static func read(_ path: FilePath, limit: Int = 1 << 30) throws(ArtifactError) -> [UInt8] {
    try perform("read", path) {
      let file = try FileDescriptor.open(path, .readOnly, options: .closeOnExec)
      return try file.closeAfter {
        let size = try file.seek(offset: 0, from: .end)
        guard size >= 0, size <= limit else { throw Errno.fileTooLarge }
        try file.seek(offset: 0, from: .start)
        let expected = Int(size)
        var failure: Errno?
        let bytes = [UInt8](unsafeUninitializedCapacity: max(expected, 1)) { buffer, count in
          count = 0
          do {
            while count < buffer.count {
              let rest = UnsafeMutableRawBufferPointer(
                rebasing: UnsafeMutableRawBufferPointer(buffer)[count...])
              let got = try file.read(into: rest)
              if got == 0 { break }
              count += got
            }
          } catch {
            failure = error as? Errno ?? .ioError
          }
        }
        if let failure { throw failure }
        return bytes
      }
    }
  }

  /// The first bytes of a file, fewer if it is shorter or can't be read.
  static func start(of path: FilePath, count: Int) -> [UInt8] {
    guard let file = try? FileDescriptor.open(path, .readOnly, options: .closeOnExec) else {
      return []
    }
    defer { try? file.close() }
    return [UInt8](unsafeUninitializedCapacity: count) { buffer, used in
      used = (try? file.read(into: UnsafeMutableRawBufferPointer(buffer))) ?? 0
    }
  }

  static func text(_ path: FilePath) throws(ArtifactError) -> String {
    String(decoding: try read(path, limit: 64 << 20), as: UTF8.self)
  }

  static func write(
    _ bytes: some Sequence<UInt8>, to path: FilePath,
    mode: FilePermissions = [
      .ownerReadWrite, .groupRead, .otherRead,
    ]
  ) throws(ArtifactError) {
    try perform("write", path) {
      let file = try FileDescriptor.open(
        path, .writeOnly, options: [.create, .truncate, .closeOnExec], permissions: mode)
      _ = try file.closeAfter { try file.writeAll(bytes) }
    }
  }

  static func write(_ text: String, to path: FilePath) throws(ArtifactError) {
    try write(Array(text.utf8), to: path)
  }

  static func makeDirectory(_ path: FilePath) throws(ArtifactError) {
    if isDirectory(path) { return }
    if let parent = parent(of: path) { try makeDirectory(parent) }
    if mkdir(path.string, 0o777) != 0, errno != EEXIST {
      throw failure("make the directory", path, Errno(rawValue: errno))
    }
  }

  static func rename(_ source: FilePath, to target: FilePath) throws(ArtifactError) {
    if Glibc.rename(source.string, target.string) != 0 {
      throw failure("rename \(source) to", target, Errno(rawValue: errno))
    }
  }

  /// Removes a file or a whole directory; what is not there is no error.
  static func remove(_ path: FilePath) throws(ArtifactError) {
    if unlink(path.string) == 0 || errno == ENOENT { return }
    removeContents(of: path.string)
    // Somebody else may have been quicker.
    guard rmdir(path.string) != 0, errno != ENOENT else { return }
    throw failure("remove", path, Errno(rawValue: errno))
  }

  /// Works on C strings, like `walk`. What can't be removed stays, and so does its directory.
  private static func removeContents(of directory: String) {
    guard let stream = opendir(directory) else { return }
    defer { closedir(stream) }
    let place = dirfd(stream)
    while let entry = readdir(stream) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name == "." || name == ".." { continue }
      if unlinkat(place, name, 0) == 0 { continue }
      removeContents(of: "\(directory)/\(name)")
      _ = unlinkat(place, name, AT_REMOVEDIR)
    }
  }

  /// Names in a directory, sorted; an unreadable directory has none.
  static func names(in directory: FilePath) -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: directory.string)) ?? []).sorted()
  }

  static func exists(_ path: FilePath) -> Bool {
    var status = stat()
    return lstat(path.string, &status) == 0
  }

  static func isDirectory(_ path: FilePath) -> Bool {
    var status = stat()
    return stat(path.string, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  static func isExecutable(_ path: FilePath) -> Bool {
    access(path.string, X_OK) == 0 && !isDirectory(path)
  }

  static func absolute(_ path: FilePath) -> FilePath {
    if path.isAbsolute { return path.lexicallyNormalized() }
    return FilePath(FileManager.default.currentDirectoryPath).pushing(path).lexicallyNormalized()
  }

  /// Regular files below a directory, as sorted paths relative to it. Symbolic links are not followed.
  static func regularFiles(below directory: FilePath) -> [String] {
    var found: [String] = []
    walk(directory) { path, _ in found.append(path) }
    return found.sorted()
  }

  /// Calls the body for each regular file below a directory, in no order, with its path relative to
  /// the directory and its size in bytes.
  ///
  /// Works on C strings: a kernel tree has a hundred thousand files.
  static func walk(_ directory: FilePath, _ body: (_ path: String, _ size: UInt64) -> Void) {
    var pending = [""]
    while let relative = pending.popLast() {
      guard let stream = opendir(relative.isEmpty ? directory.string : "\(directory)/\(relative)")
      else { continue }
      defer { closedir(stream) }
      let place = dirfd(stream)
      while let entry = readdir(stream) {
        let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
          String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
        var status = stat()
        guard name != ".", name != "..",
          fstatat(place, name, &status, AT_SYMLINK_NOFOLLOW) == 0
        else { continue }
        let path = relative.isEmpty ? name : relative + "/" + name
        switch status.st_mode & S_IFMT {
        case S_IFDIR: pending.append(path)
        case S_IFREG: body(path, UInt64(max(status.st_size, 0)))
        default: break
        }
      }
    }
  }

  /// Bytes that an unprivileged process can still write to the file system of a path.
  static func availableBytes(at path: FilePath) -> UInt64? {
    var existing = path
    while !exists(existing), let parent = parent(of: existing) { existing = parent }
    var status = statvfs()
    guard statvfs(existing.string, &status) == 0 else { return nil }
    let (bytes, overflow) = UInt64(status.f_bavail).multipliedReportingOverflow(
      by: UInt64(status.f_frsize))
    return overflow ? nil : bytes
  }

  /// Refuses to start what can't end: throws when a file system has less room than is needed.
  static func requireSpace(
    _ bytes: UInt64, at path: FilePath, for purpose: String, mend: String
  ) throws(ArtifactError) {
    guard let available = availableBytes(at: path), available < bytes else { return }
    throw ArtifactError(
      .diskFull,
      "\(purpose) needs \(mebibytes(bytes)) at \(path), and only \(mebibytes(available)) are free",
      mend: mend)
  }

  static func mebibytes(_ bytes: UInt64) -> String {
    "\((bytes >> 20) + (bytes & 0xF_FFFF == 0 ? 0 : 1)) MiB"
  }

  static func parent(of path: FilePath) -> FilePath? {
    let parent = path.removingLastComponent()
    return parent == path || parent.string.isEmpty ? nil : parent
  }

  static func failure(_ verb: String, _ path: FilePath, _ error: Errno) -> ArtifactError {
    switch error {
    case .noSpace, .diskQuotaExceeded:
      let available = availableBytes(at: path).map(mebibytes) ?? "nothing"
      return ArtifactError(
        .diskFull, "can't \(verb) \(path): the file system is full (\(available) free)",
        mend: "free some space there, or move the cache with CROSSBAR_CACHE=DIR")
    case .noSuchFileOrDirectory:
      return ArtifactError(
        .input, "can't \(verb) \(path): it does not exist", mend: "check the path")
    case .permissionDenied, .notPermitted, .readOnlyFileSystem:
      return ArtifactError(
        .system, "can't \(verb) \(path): \(error)", mend: "make it accessible to this user")
    default:
      return ArtifactError(.system, "can't \(verb) \(path): \(error)", mend: "see the system's log")
    }
  }

  private static func perform<Value>(
    _ verb: String, _ path: FilePath, _ body: () throws -> Value
  ) throws(ArtifactError) -> Value {
    do {
      return try body()
    } catch let error as Errno {
      throw failure(verb, path, error)
    } catch {
      throw ArtifactError(.system, "can't \(verb) \(path): \(error)", mend: "see the system's log")
    }
  }
}
