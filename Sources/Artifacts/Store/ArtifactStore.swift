// SPDX-License-Identifier: Apache-2.0

import Foundation
import SystemPackage

/// A directory of artifacts, each named by what it is made from, built once and used by many runs.
///
///     entries/KIND/KEY/    finished, with manifest.json; never changed
///     building/KIND-KEY.*/ being built; renamed when complete
///     locks/KIND-KEY       held by the builder
///     logs/                of the last builds
///
/// Many processes may use one store at once. Whoever holds the lock of a key builds; the others
/// wait and then find the entry. A directory in `building` whose lock nobody holds is left over from
/// a builder that died, and goes.
public struct ArtifactStore: Hashable, Sendable {
  /// The store's directory, an absolute path.
  public let root: FilePath

  /// The store in a directory, which is made when needed.
  public init(root: FilePath) {
    self.root = HostFiles.absolute(root)
  }

  /// The user's store: `CROSSBAR_CACHE`, else `crossbar` in `XDG_CACHE_HOME` or `~/.cache`.
  public static func standard(
    environment: [String: String] = ProcessInfo.processInfo.environment
  ) -> ArtifactStore {
    if let root = environment["CROSSBAR_CACHE"], !root.isEmpty {
      return ArtifactStore(root: FilePath(root))
    }
    // The specification of XDG_CACHE_HOME: a relative path is to be ignored.
    if let cache = environment["XDG_CACHE_HOME"], cache.hasPrefix("/") {
      return ArtifactStore(root: FilePath(cache).appending("crossbar"))
    }
    let home = environment["HOME"] ?? NSHomeDirectory()
    return ArtifactStore(root: FilePath(home).appending(".cache/crossbar"))
  }

  /// The directory of a finished entry, built first when it is not there or is damaged.
  ///
  /// - Parameters:
  ///   - kind: what it is, such as `kernel`.
  ///   - key: its key.
  ///   - check: how it is verified before use.
  ///   - progress: its part of the bar.
  ///   - build: fills an empty directory.
  /// - Returns: the entry's directory.
  func entry(
    _ kind: String, _ key: ArtifactKey, check: EntryManifest.Check = .digest,
    progress: ProgressSpan,
    build: (_ directory: FilePath, _ progress: ProgressSpan) async throws(ArtifactError) -> Void
  ) async throws(ArtifactError) -> FilePath {
    let directory = path(of: kind, key)
    if HostFiles.exists(directory), try damage(of: kind, key) == nil { return directory }

    let lock = try await lock("\(kind)-\(key)", progress: progress)
    defer { lock.release() }
    sweep(keeping: "\(kind)-\(key)")
    if HostFiles.exists(directory) {
      // Another process may have built or mended it while this one waited.
      guard let damage = try damage(of: kind, key) else { return directory }
      progress.notice(
        "the cached \(progress.label) in \(directory) is damaged (\(damage)); "
          + "it is removed and built again")
      try discard(directory)
    }
    return try await construct(kind, key, check, progress, build)
  }

  /// Whether an entry is there, without a look inside.
  func contains(_ kind: String, _ key: ArtifactKey) -> Bool {
    HostFiles.exists(path(of: kind, key))
  }

  /// Where an entry is or will be.
  func path(of kind: String, _ key: ArtifactKey) -> FilePath {
    root.appending("entries").appending(kind).appending(key.description)
  }

  /// Takes the lock of a name, telling the user when somebody else has it.
  func lock(_ name: String, progress: ProgressSpan) async throws(ArtifactError) -> FileLock {
    let locks = root.appending("locks")
    try HostFiles.makeDirectory(locks)
    return try await FileLock.acquire(locks.appending(name)) { holder in
      progress.notice(
        "waiting for \(holder.map { "process \($0)" } ?? "another process"), "
          + "which is building \(progress.label)")
    }
  }

  /// A file for the log of a build, emptied. It outlives the build: an error names it.
  func log(_ name: String) throws(ArtifactError) -> FilePath {
    let logs = root.appending("logs")
    try HostFiles.makeDirectory(logs)
    let path = logs.appending(name + ".log")
    try HostFiles.write([], to: path)
    return path
  }

  private func construct(
    _ kind: String, _ key: ArtifactKey, _ check: EntryManifest.Check, _ progress: ProgressSpan,
    _ build: (_ directory: FilePath, _ progress: ProgressSpan) async throws(ArtifactError) -> Void
  ) async throws(ArtifactError) -> FilePath {
    let directory = path(of: kind, key)
    let temporary = root.appending("building").appending("\(kind)-\(key).\(UUID().uuidString)")
    try HostFiles.makeDirectory(temporary)
    try HostFiles.makeDirectory(directory.removingLastComponent())
    do throws(ArtifactError) {
      try await build(temporary, progress)
      if Task.isCancelled { throw ArtifactError.cancelled("building \(progress.label)") }
      let manifest = try EntryManifest(of: temporary, kind: kind, key: key, check: check)
      try manifest.write(to: temporary)
      if check == .digest {
        for file in manifest.files { protect(temporary.appending(file.path)) }
      }
      try HostFiles.rename(temporary, to: directory)
    } catch {
      try? HostFiles.remove(temporary)
      if error.kind == .cancelled { throw .cancelled("building \(progress.label)") }
      throw error
    }
    return directory
  }

  private func damage(of kind: String, _ key: ArtifactKey) throws(ArtifactError) -> String? {
    let directory = path(of: kind, key)
    do {
      return try EntryManifest.read(from: directory).damage(of: directory, kind: kind, key: key)
    } catch {
      return error.message
    }
  }

  /// Finished files are read-only, so that a guest or an editor does not change them by mistake.
  private func protect(_ path: FilePath) {
    _ = chmod(path.string, HostFiles.isExecutable(path) ? 0o555 : 0o444)
  }

  /// Moved away first: a half removed entry must not be found.
  private func discard(_ directory: FilePath) throws(ArtifactError) {
    let grave = root.appending("building").appending("discarded.\(UUID().uuidString)")
    try HostFiles.makeDirectory(root.appending("building"))
    try HostFiles.rename(directory, to: grave)
    try? HostFiles.remove(grave)
  }

  /// Removes what builders that died have left in `building`. The caller holds the lock of
  /// `keeping`, so what has this name is stale too.
  private func sweep(keeping own: String) {
    let building = root.appending("building")
    for name in HostFiles.names(in: building) {
      guard let dot = name.lastIndex(of: ".") else { continue }
      let lockName = String(name[..<dot])
      if lockName == own || lockName == "discarded" {
        try? HostFiles.remove(building.appending(name))
      } else if let lock = try? FileLock.attempt(root.appending("locks").appending(lockName)) {
        try? HostFiles.remove(building.appending(name))
        lock.release()
      }
    }
  }
}
