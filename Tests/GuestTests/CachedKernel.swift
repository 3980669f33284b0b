// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// The guest kernel in a cache of a test's own.
struct CachedKernel {
  /// The directory that holds it.
  let entry: URL
  private let image: URL
  private let cache: URL

  /// What is being built in the cache, by the names of the directories.
  var buildsUnderWay: [String] {
    let building = cache.appending(path: "building").path
    return (try? FileManager.default.contentsOfDirectory(atPath: building)) ?? []
  }

  /// Makes `cache` a copy of the cache that is in use; the files are linked, so it takes no room, unless
  /// `cache` is in another file system.
  static func copied(to cache: URL) async throws -> CachedKernel {
    let built = try await CrossbarProgram.run(["kernel", "build", "--quiet"])
    try #require(built.exitCode == 0, "\(built.errors)")
    let image = URL(filePath: built.output.trimmingCharacters(in: .whitespacesAndNewlines))
    let entry = image.deletingLastPathComponent()
    let kind = entry.deletingLastPathComponent()
    let entries = kind.deletingLastPathComponent()
    let copy = cache.appending(path: "entries")
    try FileManager.default.createDirectory(at: copy, withIntermediateDirectories: true)
    // The unpacked source has 80,000 files; an interrupted build does without.
    for name in [kind.lastPathComponent, "kernel-source"] {
      try link(entries.appending(path: name), to: copy.appending(path: name))
    }
    return CachedKernel(
      entry: copy.appending(path: "\(kind.lastPathComponent)/\(entry.lastPathComponent)"),
      image: image, cache: cache)
  }

  /// Changes one bit of the image, in the copy only.
  func damage() throws {
    let copy = entry.appending(path: image.lastPathComponent)
    var bytes = try Data(contentsOf: copy)
    bytes[bytes.count / 2] ^= 0x10
    try FileManager.default.removeItem(at: copy)
    try bytes.write(to: copy)
  }

  private static func link(_ source: URL, to target: URL) throws {
    let files = FileManager.default
    try files.createDirectory(at: target, withIntermediateDirectories: true)
    for name in try files.subpathsOfDirectory(atPath: source.path).sorted() {
      let path = source.appending(path: name)
      var isDirectory: ObjCBool = false
      _ = files.fileExists(atPath: path.path, isDirectory: &isDirectory)
      if isDirectory.boolValue {
        try files.createDirectory(
          at: target.appending(path: name), withIntermediateDirectories: true)
      } else {
        let place = target.appending(path: name)
        if (try? files.linkItem(at: path, to: place)) == nil {
          try files.copyItem(at: path, to: place)
        }
      }
    }
  }
}
