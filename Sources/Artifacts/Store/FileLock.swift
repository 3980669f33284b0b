// SPDX-License-Identifier: Apache-2.0

import Foundation
import SystemPackage

/// An exclusive lock between processes and tasks, held by an open file (`flock`).
///
/// The kernel lets go of it when the holder dies, so there are no stale locks. The file itself is
/// never removed: two processes would otherwise lock two files of one name.
final class FileLock: Sendable {
  private let file: FileDescriptor

  private init(file: FileDescriptor) {
    self.file = file
  }

  deinit {
    try? file.close()
  }

  /// Takes the lock if nobody has it.
  ///
  /// - Returns: the lock, or nil when it is taken.
  static func attempt(_ path: FilePath) throws(ArtifactError) -> FileLock? {
    let file: FileDescriptor
    do {
      file = try FileDescriptor.open(
        path, .readWrite, options: [.create, .closeOnExec],
        permissions: [.ownerReadWrite, .groupRead, .otherRead])
    } catch {
      throw HostFiles.failure("lock", path, error as? Errno ?? .ioError)
    }
    let lock = FileLock(file: file)
    guard flock(file.rawValue, LOCK_EX | LOCK_NB) == 0 else {
      if errno == EWOULDBLOCK { return nil }
      throw HostFiles.failure("lock", path, Errno(rawValue: errno))
    }
    // Only for the sentence that a waiting process prints; a full disk is no reason to fail.
    try? file.resize(to: 0)
    _ = try? file.writeAll(toAbsoluteOffset: 0, Array("\(getpid())\n".utf8))
    return lock
  }

  /// Takes the lock, waiting as long as it takes.
  ///
  /// - Parameters:
  ///   - path: the lock's file; its directory must exist.
  ///   - whileWaiting: called once, with the holder's process id if known, before the wait.
  /// - Returns: the lock.
  static func acquire(
    _ path: FilePath, whileWaiting: (_ holder: String?) -> Void
  ) async throws(ArtifactError) -> FileLock {
    var told = false
    while true {
      if let lock = try attempt(path) { return lock }
      if !told {
        let holder = (try? HostFiles.text(path))?.trimmingCharacters(in: .whitespacesAndNewlines)
        whileWaiting(holder?.isEmpty == false ? holder : nil)
        told = true
      }
      do {
        try await Task.sleep(for: .milliseconds(100))
      } catch {
        throw .cancelled("waiting for \(path)")
      }
    }
  }

  /// Lets go of the lock now; it is let go at the end of its life anyway.
  func release() {
    _ = flock(file.rawValue, LOCK_UN)
  }
}
