// SPDX-License-Identifier: Apache-2.0

import Foundation
import SystemPackage

/// A directory of this machine that a guest gets as it is: regular files and symbolic links.
public struct HostTree: Hashable, Sendable {
  /// Where it goes in the guest.
  let guest: String
  /// Where it is here.
  let host: FilePath

  /// Of what is built or kept beside sources, a guest needs nothing.
  private static let leftOut: Set<String> = [".git", "autom4te.cache"]

  /// A directory, and its path in the guest.
  public init(guest: String, host: FilePath) {
    self.guest = guest
    self.host = host
  }

  /// One path of it.
  struct Entry: Hashable, Sendable {
    /// Relative to the directory.
    let path: String
    /// Where a symbolic link leads; nil for a file.
    let target: String?
  }

  /// All files and links, sorted.
  func entries() -> [Entry] {
    var found: [Entry] = []
    var pending = [""]
    let files = FileManager.default
    while let relative = pending.popLast() {
      for name in HostFiles.names(in: host.appending(relative))
      where !HostTree.leftOut.contains(name) && !name.hasSuffix(".o") {
        let path = relative.isEmpty ? name : "\(relative)/\(name)"
        var status = stat()
        guard lstat(host.appending(path).string, &status) == 0 else { continue }
        switch status.st_mode & S_IFMT {
        case S_IFDIR: pending.append(path)
        case S_IFREG: found.append(Entry(path: path, target: nil))
        case S_IFLNK:
          let target = try? files.destinationOfSymbolicLink(atPath: host.appending(path).string)
          if let target { found.append(Entry(path: path, target: target)) }
        default: break
        }
      }
    }
    return found.sorted { $0.path < $1.path }
  }

  /// Its regular files on this machine.
  var files: [FilePath] {
    entries().filter { $0.target == nil }.map { host.appending($0.path) }
  }

  /// Adds everything that an archive with it depends on.
  func add(to key: inout ArtifactKey.Builder) throws(ArtifactError) {
    for entry in entries() {
      let path = "\(guest)/\(entry.path)"
      if let target = entry.target {
        key.add(path, "-> \(target)")
      } else {
        try key.add(path, file: host.appending(entry.path))
      }
    }
  }
}
