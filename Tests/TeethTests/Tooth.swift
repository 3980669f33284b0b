// SPDX-License-Identifier: Apache-2.0

import Foundation

/// A deliberate bug of the kernel, kept as a patch that says which case must catch it:
///
///     What the patch breaks, in words.
///
///     Rule: Rule 1, one owner
///     Caught-by: gpu0.ns0.rule1-read-revokes
///
///     diff --git a/mm/filemap.c b/mm/filemap.c
struct Tooth: Sendable, Hashable {
  /// What is wrong with a patch that is no tooth.
  struct NotATooth: Error, CustomStringConvertible {
    let description: String
  }

  /// The patch.
  let path: String
  /// The rule that the bug breaks.
  let rule: String
  /// The case that must fail, as a pattern of `--only`.
  let pattern: String
  let suite: String
  let topology: String

  /// The patch's name without its ending.
  var name: String { URL(filePath: path).deletingPathExtension().lastPathComponent }

  /// Reads the head of a patch.
  init(text: String, path: String) throws {
    var fields: [String: String] = [:]
    for line in text.split(separator: "\n") {
      if line.hasPrefix("diff --git ") || line.hasPrefix("--- ") { break }
      guard let colon = line.firstIndex(of: ":") else { continue }
      let name = String(line[..<colon])
      guard ["Rule", "Caught-by", "Suite", "Topology"].contains(name) else { continue }
      let value = line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
      guard !value.isEmpty, fields.updateValue(value, forKey: name) == nil else {
        throw NotATooth(description: "\(path): `\(name):` must stand there once, with a value")
      }
    }
    guard let rule = fields["Rule"], let pattern = fields["Caught-by"] else {
      throw NotATooth(
        description: "\(path) must say `Rule: ...` and `Caught-by: ...` above its diff: which rule "
          + "the bug breaks, and which case has to fail")
    }
    self.path = path
    self.rule = rule
    self.pattern = pattern
    suite = fields["Suite"] ?? "device-map"
    topology = fields["Topology"] ?? "switch"
  }

  /// The teeth of a directory, by name.
  static func all(in directory: URL) throws -> [Tooth] {
    let names = try FileManager.default.contentsOfDirectory(atPath: directory.path)
    return try names.filter { $0.hasSuffix(".patch") }.sorted().map { name in
      let file = directory.appending(path: name)
      return try Tooth(text: String(contentsOf: file, encoding: .utf8), path: file.path)
    }
  }
}
