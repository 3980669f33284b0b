// SPDX-License-Identifier: Apache-2.0

import Foundation

/// The private, short-lived directory of one run: libvirt's root, QEMU's sockets.
///
/// It lies below a directory that only the user can enter, has a short path (a UNIX socket's is
/// limited to 107 bytes, and libvirt adds up to 70), and is locked by its owner while the owner
/// lives. A directory whose lock is free belongs to a dead run; `sweep()` ends what that run left
/// behind.
public final class RuntimeDirectory: Sendable {
  /// Absolute path of the directory.
  public let path: String
  /// The lock that says "the owner lives". Never handed to a child (`O_CLOEXEC`).
  private let lock: FileDescriptorOwner

  private static let lockName = "owner.lock"
  /// Longest path of a run's root; what libvirt and the guests' sockets add fits into the rest of
  /// 107.
  private static let longestPath = 40

  private init(path: String, lock: FileDescriptorOwner) {
    self.path = path
    self.lock = lock
  }

  /// Cleans up after dead runs, then makes a new directory and locks it.
  ///
  /// - Parameters:
  ///   - supervisor: learns of the directory before it exists, so that there is no moment in which
  ///     this process can die and leave it behind.
  ///   - again: the path of a directory of this process that was removed, to be made again.
  public static func create(
    supervisor: Supervisor? = nil, again: String? = nil
  ) throws(HypervisorError) -> RuntimeDirectory {
    sweep()
    let base = try base()
    let guardLock = try FileDescriptorOwner.lock(base + "/.lock", wait: true)
    defer { withExtendedLifetime(guardLock) {} }
    // Eight hexadecimal digits: short, and free unless four thousand million runs are alive.
    let name = "r" + String(UInt32.random(in: .min ... .max), radix: 16)
    let path = again ?? base + "/" + name
    try supervisor?.watch(root: path)
    guard mkdir(path, 0o700) == 0 else {
      throw HypervisorError(
        .environment, attempt: "make the run's directory \(path)", problem: systemMessage(errno))
    }
    return RuntimeDirectory(
      path: path, lock: try FileDescriptorOwner.lock(path + "/" + lockName, wait: false))
  }

  /// Removes the directory. Whatever still runs inside is the caller's to end before.
  public func remove() {
    try? FileManager.default.removeItem(atPath: path)
  }

  /// Ends the guests of runs whose Crossbar died together with its supervisor, and removes their
  /// directories. Runs that live are left alone.
  ///
  /// - Returns: the directories that were removed.
  @discardableResult
  public static func sweep() -> [String] { sweep(bases()) }

  static func sweep(_ bases: [String]) -> [String] {
    var removed: [String] = []
    for base in bases where isPrivate(base) {
      guard let guardLock = try? FileDescriptorOwner.lock(base + "/.lock", wait: true) else {
        continue
      }
      defer { withExtendedLifetime(guardLock) {} }
      let names = (try? FileManager.default.contentsOfDirectory(atPath: base)) ?? []
      for name in names where name.hasPrefix("r") {
        let path = base + "/" + name
        guard isPrivate(path) else { continue }
        // Taken: its owner lives, or its supervisor is at work on it.
        guard let lock = try? FileDescriptorOwner.lock(path + "/" + lockName, wait: false) else {
          continue
        }
        defer { withExtendedLifetime(lock) {} }
        Leftovers.end(root: path, quiet: .milliseconds(200))
        guard (try? FileManager.default.removeItem(atPath: path)) != nil else { continue }
        removed.append(path)
      }
    }
    return removed
  }

  /// Where run directories may be, the preferred one first.
  private static func bases() -> [String] {
    var bases: [String] = []
    if let runtime = ProcessInfo.processInfo.environment["XDG_RUNTIME_DIR"], runtime.first == "/" {
      bases.append(runtime + "/crossbar")
    }
    bases.append("/tmp/crossbar-\(getuid())")
    // 10: a slash, `r` and eight digits.
    return bases.filter { $0.utf8.count + 10 <= longestPath }
  }

  private static func base() throws(HypervisorError) -> String {
    var problem = "no directory has a short enough path"
    for base in bases() {
      guard mkdir(base, 0o700) == 0 || errno == EEXIST else {
        problem = "\(base): \(systemMessage(errno))"
        continue
      }
      if isPrivate(base) { return base }
      problem = "\(base) is not a directory that only you can enter"
    }
    throw HypervisorError(
      .environment, attempt: "find a place for the run's sockets", problem: problem,
      mend: "Set XDG_RUNTIME_DIR to a directory of yours with mode 0700 and a path below 22 bytes")
  }

  /// A real directory (no link) that belongs to this user and that nobody else can enter: in `/tmp`
  /// somebody else may have made the name first.
  private static func isPrivate(_ path: String) -> Bool {
    var status = stat()
    guard lstat(path, &status) == 0 else { return false }
    return status.st_mode & S_IFMT == S_IFDIR && status.st_uid == getuid()
      && status.st_mode & 0o077 == 0
  }
}
