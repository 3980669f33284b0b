// SPDX-License-Identifier: Apache-2.0

import SystemPackage

/// The text of a series file: which patches there are, in order, and what new files belong to each.
///
///     # a comment
///     0001-misc-ivgpu-add-a-driver.patch drivers/misc/ivgpu
///     0002-mm-add-device_map.patch include/linux/device_map.h mm/device_map.c
///
/// A line is the name of a patch beside the file, then files or directories as they are named in the
/// kernel tree. The most specific one decides, so a patch may have a file in the directory of another.
struct SeriesFile: Hashable, Sendable {
  /// A patch.
  struct Entry: Hashable, Sendable {
    let patch: String
    /// Files and directories, relative to the kernel tree.
    let files: [String]
    /// From 1 on.
    var line = 0
    /// Comments and empty lines above it.
    var comments: [String] = []
  }

  /// Name of the file, for errors.
  let name: String
  let entries: [Entry]
  /// Comments and empty lines at the end.
  let trailer: [String]

  init(name: String, entries: [Entry], trailer: [String] = []) {
    self.name = name
    self.entries = entries
    self.trailer = trailer
  }

  /// Reads the text.
  ///
  /// - Throws: `ArtifactError` of kind `input` that names the line.
  init(text: String, name: String) throws(ArtifactError) {
    var entries: [Entry] = []
    var comments: [String] = []
    var owners: [String: Int] = [:]
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    for (index, line) in lines.enumerated() {
      let number = index + 1
      func refuse(_ message: String, _ mend: String) -> ArtifactError {
        ArtifactError(.input, "\(name):\(number): \(message)", mend: mend)
      }
      let words = line.prefix { $0 != "#" }.split(whereSeparator: \.isWhitespace).map(String.init)
      guard let patch = words.first else {
        comments.append(String(line))
        continue
      }
      guard patch.hasSuffix(".patch"), !patch.contains("/") else {
        throw refuse(
          "`\(patch)` is not the name of a patch",
          "write the name of a .patch file beside this one, then the new files that belong to it")
      }
      if let other = entries.first(where: { $0.patch == patch }) {
        throw refuse("\(patch) is in line \(other.line) already", "take one of them out")
      }
      for file in words.dropFirst() {
        guard SeriesFile.isInside(file) else {
          throw refuse("`\(file)` is no path inside of the kernel tree", "write it without `..`")
        }
        if let other = owners.updateValue(number, forKey: file) {
          throw refuse(
            "`\(file)` belongs to the patch of line \(other) already", "take one of them out")
        }
      }
      entries.append(
        Entry(
          patch: patch, files: Array(words.dropFirst()), line: number, comments: comments))
      comments = []
    }
    // The text ends with a newline, so its last line is empty.
    if comments.last?.isEmpty == true { comments.removeLast() }
    self.init(name: name, entries: entries, trailer: comments)
  }

  /// The text again.
  var text: String {
    var lines: [String] = []
    for entry in entries {
      lines += entry.comments
      lines.append(([entry.patch] + entry.files).joined(separator: " "))
    }
    return (lines + trailer).map { $0 + "\n" }.joined()
  }

  /// The entry that a file of the kernel tree belongs to, and which of its words says so.
  func owner(of path: String) -> (entry: Int, word: String)? {
    var found: (entry: Int, word: String)?
    for (index, entry) in entries.enumerated() {
      for word in entry.files where path == word || path.hasPrefix(word + "/") {
        if word.utf8.count > found?.word.utf8.count ?? -1 { found = (index, word) }
      }
    }
    return found
  }

  /// Whether a path stays below the directory that it is relative to, and is written plainly.
  static func isInside(_ path: String) -> Bool {
    let plain = FilePath(path)
    return !plain.isAbsolute && plain.lexicallyNormalized().string == path && path != "."
      && !plain.starts(with: "..")
  }
}
