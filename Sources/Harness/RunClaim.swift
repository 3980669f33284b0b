// SPDX-License-Identifier: Apache-2.0

import Foundation

/// A run directory that belongs to this run alone, from before anything is built for it.
///
/// The claim is a lock on the directory itself: nothing is left behind in it, and the kernel lets go
/// of it when this process dies.
public final class RunClaim: Sendable {
  /// What was claimed: empty.
  public let directory: RunDirectory
  /// The open directory, with its lock.
  private let descriptor: Int32
  /// The directory was not there before.
  private let isNew: Bool

  /// Why a directory can't be had.
  private enum Refusal: Error {
    /// It holds something, or another run has it.
    case taken(String)
    /// Whoever had it removed it at that moment.
    case vanished
  }

  /// Claims the directory that a request names, or one of its own.
  convenience init(_ request: RunRequest) throws {
    if let output = request.output {
      try self.init(output)
    } else {
      try self.init(
        numbering: RunDirectory.standardPath(
          topology: request.topology.name, suite: request.suite))
    }
  }

  /// Claims the directory at `path`, which is made if it isn't there.
  ///
  /// - Throws: `RequestError` if it holds anything, or another run has claimed it;
  ///   `EnvironmentError` if it can't be made.
  public init(_ path: String) throws {
    (descriptor, isNew) = try Self.claim(path)
    directory = RunDirectory(existing: path)
  }

  /// Makes and claims the directory at `base`, or the first of `base-2`, `base-3` and so on that is
  /// not there yet.
  ///
  /// - Throws: `EnvironmentError` if it can't be made.
  public init(numbering base: String) throws {
    let path: String
    (path, descriptor) = try Self.claimNext(base)
    directory = RunDirectory(existing: path)
    isNew = true
  }

  private static func claim(_ path: String) throws -> (descriptor: Int32, isNew: Bool) {
    while true {
      do {
        let isNew = try make(path)
        return (try lock(path), isNew)
      } catch Refusal.taken(let reason) {
        throw RequestError("\(path) \(reason): give --output a new or an empty directory.")
      } catch Refusal.vanished {
        continue
      }
    }
  }

  private static func claimNext(_ base: String) throws -> (path: String, descriptor: Int32) {
    var number = 1
    while true {
      let path = number == 1 ? base : "\(base)-\(number)"
      number += 1
      guard try make(path) else { continue }
      // Whoever was given this path by name may have been quicker with the lock.
      if let descriptor = try? lock(path) { return (path, descriptor) }
    }
  }

  deinit { close(descriptor) }

  /// Removes the directory if it was made for this run and the run left nothing in it. To be called
  /// once, when nothing is written to it any more that somebody else could take for theirs.
  public func release() {
    // Within the lock. A directory that holds something stays.
    if isNew { rmdir(directory.path) }
    flock(descriptor, LOCK_UN)
  }

  /// Makes a directory.
  ///
  /// - Returns: whether it was not there before.
  private static func make(_ path: String) throws -> Bool {
    let directory = RunDirectory(existing: path)
    let parent = URL(filePath: directory.path).deletingLastPathComponent()
    try directory.guarding("create") {
      try FileManager.default.createDirectory(at: parent, withIntermediateDirectories: true)
    }
    if mkdir(directory.path, 0o777) == 0 { return true }
    let number = errno
    if number == EEXIST { return false }
    throw EnvironmentError(
      """
      Can't create \(directory.path): \(String(cString: strerror(number))). Check it, or give \
      another --output.
      """)
  }

  /// Locks an empty directory.
  private static func lock(_ path: String) throws -> Int32 {
    let absolute = RunDirectory(existing: path).path
    let descriptor = open(absolute, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else {
      if errno == ENOENT { throw Refusal.vanished }
      throw Refusal.taken("can't be used (\(String(cString: strerror(errno))))")
    }
    do {
      guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
        throw Refusal.taken("is another run's, which is under way")
      }
      guard isStill(absolute, descriptor) else { throw Refusal.vanished }
      let content = try? FileManager.default.contentsOfDirectory(atPath: absolute)
      guard let content, content.isEmpty else { throw Refusal.taken("is not empty") }
      return descriptor
    } catch {
      close(descriptor)
      throw error
    }
  }

  /// Whether the path still leads to the directory that was opened.
  private static func isStill(_ path: String, _ descriptor: Int32) -> Bool {
    var opened = stat()
    var named = stat()
    return fstat(descriptor, &opened) == 0 && lstat(path, &named) == 0
      && opened.st_ino == named.st_ino && opened.st_dev == named.st_dev
  }
}
