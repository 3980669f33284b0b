// SPDX-License-Identifier: Apache-2.0

import Yams

/// Reads a mapping of one of this module's YAML files key by key. Every error names file and line.
///
/// `finish()` refuses keys that nobody asked for: a misspelt key must not pass silently.
struct YAMLReader {
  private let file: String
  private let node: Node
  private let mapping: Node.Mapping
  /// What is read for a key that the mapping does not have.
  private var inherited: [String: Node] = [:]
  private var known: Set<String> = []

  /// The document of a file, whose `crossbar` key must name the schema.
  init(text: String, file: String, schema: String) throws(ArtifactError) {
    let root: Node?
    do {
      root = try Yams.compose(yaml: text)
    } catch {
      throw ArtifactError(.input, "\(file): \(error)", mend: "correct the YAML")
    }
    guard let root else {
      throw ArtifactError(.input, "\(file) is empty", mend: "restore it")
    }
    try self.init(root, file: file)
    let found = try self.text("crossbar")
    guard found == schema else {
      throw error(node, "schema `\(found)` instead of `\(schema)`", mend: "write `\(schema)`")
    }
  }

  private init(_ node: Node, file: String) throws(ArtifactError) {
    self.file = file
    self.node = node
    guard let mapping = node.mapping else {
      throw YAMLReader.error(file, node, "not a mapping", mend: "write `key: value` lines")
    }
    self.mapping = mapping
  }

  /// A value that must be there.
  mutating func text(_ key: String) throws(ArtifactError) -> String {
    guard let text = try optionalText(key) else {
      throw error(node, "`\(key)` is missing", mend: "add it")
    }
    return text
  }

  mutating func optionalText(_ key: String) throws(ArtifactError) -> String? {
    guard let value = take(key) else { return nil }
    guard let scalar = value.scalar else {
      throw error(value, "`\(key)` is not a text", mend: "write one value")
    }
    return scalar.string.isEmpty ? nil : scalar.string
  }

  /// A whole number, also in octal as `0o755`.
  mutating func optionalNumber(_ key: String) throws(ArtifactError) -> Int? {
    guard let value = take(key) else { return nil }
    let string = value.scalar?.string ?? ""
    let number = string.hasPrefix("0o") ? Int(string.dropFirst(2), radix: 8) : Int(string)
    guard let number, number >= 0 else {
      throw error(value, "`\(key)` is not a number", mend: "write a number of 0 or more")
    }
    return number
  }

  /// A list of texts; empty when the key is not there.
  mutating func texts(_ key: String) throws(ArtifactError) -> [String] {
    var texts: [String] = []
    for item in try sequence(key) {
      guard let scalar = item.scalar else {
        throw error(item, "an entry of `\(key)` is not a text", mend: "write one value")
      }
      texts.append(scalar.string)
    }
    return texts
  }

  /// A list of mappings; empty when the key is not there.
  mutating func mappings(_ key: String) throws(ArtifactError) -> [YAMLReader] {
    var readers: [YAMLReader] = []
    for item in try sequence(key) { readers.append(try YAMLReader(item, file: file)) }
    return readers
  }

  /// A mapping, or nil when the key is not there.
  mutating func optionalMapping(_ key: String) throws(ArtifactError) -> YAMLReader? {
    guard let value = take(key) else { return nil }
    return try YAMLReader(value, file: file)
  }

  /// Lets this mapping have the keys of another one that it does not have itself, with what that
  /// one inherits.
  mutating func inherit(from other: YAMLReader) {
    inherited = other.inherited
    for (key, value) in other.mapping { inherited[key.string ?? ""] = value }
  }

  /// Refuses keys that were not read.
  func finish() throws(ArtifactError) {
    for (key, _) in mapping where !known.contains(key.string ?? "") {
      throw error(
        key, "unknown key `\(key.string ?? "?")`",
        mend: "known here: \(known.sorted().joined(separator: ", "))")
    }
  }

  /// An error at this mapping.
  func error(_ message: String, mend: String) -> ArtifactError {
    error(node, message, mend: mend)
  }

  private mutating func sequence(_ key: String) throws(ArtifactError) -> [Node] {
    guard let value = take(key) else { return [] }
    guard let sequence = value.sequence else {
      throw error(value, "`\(key)` is not a list", mend: "write `[a, b]` or `- a` lines")
    }
    return Array(sequence)
  }

  private mutating func take(_ key: String) -> Node? {
    known.insert(key)
    return mapping[key] ?? inherited[key]
  }

  private func error(_ node: Node, _ message: String, mend: String) -> ArtifactError {
    YAMLReader.error(file, node, message, mend: mend)
  }

  private static func error(
    _ file: String, _ node: Node, _ message: String, mend: String
  ) -> ArtifactError {
    let line = node.mark.map { ":\($0.line)" } ?? ""
    return ArtifactError(.input, "\(file)\(line): \(message)", mend: mend)
  }
}
