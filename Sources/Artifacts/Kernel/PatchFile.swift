// SPDX-License-Identifier: Apache-2.0

import SystemPackage

/// A patch for the kernel, most often a mail as `git format-patch` writes it.
struct PatchFile: Hashable, Sendable {
  /// Where it lies, an absolute path.
  let path: FilePath
  /// As a person would name it.
  let name: String

  /// Whether it changes anything; a mail may have a message only.
  func hasDiff() throws(ArtifactError) -> Bool {
    try HostFiles.text(path).split(separator: "\n").contains { line in
      line.hasPrefix("diff --git ") || line.hasPrefix("--- ")
    }
  }

  /// The files that it changes, adds or removes, as they are named in the kernel tree.
  func changedPaths() throws(ArtifactError) -> Set<String> {
    var paths: Set<String> = []
    for line in try HostFiles.text(path).split(separator: "\n") {
      guard line.hasPrefix("--- ") || line.hasPrefix("+++ "),
        let name = line.dropFirst(4).split(separator: "\t").first,
        let slash = name.firstIndex(of: "/")
      else { continue }
      let path = String(name[name.index(after: slash)...])
      if name != "/dev/null", SeriesFile.isInside(path) { paths.insert(path) }
    }
    return paths
  }
}
