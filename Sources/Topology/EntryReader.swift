// SPDX-License-Identifier: Apache-2.0

import Yams

/// Reads the keys of one YAML mapping, strictly: each key is known and each value has its type.
struct EntryReader {
  let source: SourceMap
  /// Where the mapping stands.
  let path: [SourceMap.Step]
  /// What the mapping describes, as errors name it: `an nvme entry`.
  let what: String
  private let mapping: Node.Mapping

  init(
    _ node: Node, at path: [SourceMap.Step], of source: SourceMap, what: String, keys: [String]
  ) throws(TopologyError) {
    guard let mapping = node.mapping else {
      throw source.error(
        at: node.mark, "\(what) must be keys with values, but is \(Self.kind(of: node))",
        mend: "write it as `{\(keys.first ?? "key"): ...}`")
    }
    for (key, _) in mapping {
      guard let name = key.scalar?.string else {
        throw source.error(
          at: key.mark, "a key of \(what) is \(Self.kind(of: key))", mend: "use a plain word")
      }
      guard keys.contains(name) else {
        throw source.error(
          at: key.mark, "unknown key `\(name.prefix(40))` in \(what)",
          mend: Suggestion.mend(for: name, among: keys))
      }
    }
    self.source = source
    self.path = path
    self.what = what
    self.mapping = mapping
  }

  /// A text, which must not be empty.
  func text(_ key: String) throws(TopologyError) -> String {
    guard let text = try optionalText(key) else { throw missing(key) }
    return text
  }

  /// A text, or nil without the key.
  func optionalText(_ key: String) throws(TopologyError) -> String? {
    guard let node = node(key) else { return nil }
    guard let scalar = node.scalar, node.tag == Tag(.str) else {
      throw wrong(
        key, node, "a text",
        mend: node.scalar == nil ? "write one word or a quoted text" : "put it into quotes")
    }
    guard !scalar.string.isEmpty else {
      throw error(key, "`\(key)` of \(what) is empty", mend: "give it a text or remove the key")
    }
    return scalar.string
  }

  /// A whole number.
  func integer(_ key: String) throws(TopologyError) -> Int {
    guard let node = node(key) else { throw missing(key) }
    guard let scalar = node.scalar, node.tag == Tag(.int), let number = Int(scalar.string) else {
      throw wrong(key, node, "a whole number", mend: "write it in decimal digits")
    }
    return number
  }

  /// True or false, or nil without the key.
  func optionalFlag(_ key: String) throws(TopologyError) -> Bool? {
    guard let node = node(key) else { return nil }
    guard let flag = node.bool else {
      throw wrong(key, node, "true or false", mend: "write `\(key): true` or `\(key): false`")
    }
    return flag
  }

  /// A size.
  func bytes(_ key: String) throws(TopologyError) -> ByteCount {
    guard let size = try optionalBytes(key) else { throw missing(key) }
    return size
  }

  /// A size, or nil without the key.
  func optionalBytes(_ key: String) throws(TopologyError) -> ByteCount? {
    guard let node = node(key) else { return nil }
    guard let scalar = node.scalar else {
      throw wrong(key, node, "a size", mend: "write it as `64MiB`")
    }
    guard let size = ByteCount(parsing: scalar.string) else {
      throw wrong(key, node, "a size", mend: Self.mendedSize(scalar.string))
    }
    return size
  }

  /// One of the words of an enumeration.
  func choice<Choice>(_ key: String, _ type: Choice.Type) throws(TopologyError) -> Choice
  where Choice: RawRepresentable<String> & CaseIterable {
    guard let choice = try optionalChoice(key, type) else { throw missing(key) }
    return choice
  }

  /// One of the words of an enumeration, or nil without the key.
  func optionalChoice<Choice>(
    _ key: String, _ type: Choice.Type
  ) throws(TopologyError) -> Choice?
  where Choice: RawRepresentable<String> & CaseIterable {
    guard let node = node(key) else { return nil }
    let names = type.allCases.map(\.rawValue)
    guard let word = node.scalar?.string else {
      throw wrong(key, node, "one word", mend: "use one of \(Suggestion.list(names))")
    }
    guard let choice = Choice(rawValue: word) else {
      throw error(
        key, "unknown \(key) `\(word.prefix(40))` in \(what)",
        mend: Suggestion.mend(for: word, among: names))
    }
    return choice
  }

  /// One mapping inside this one.
  func entry(_ key: String, what: String, keys: [String]) throws(TopologyError) -> EntryReader {
    guard let node = node(key) else { throw missing(key) }
    return try EntryReader(node, at: path + [.key(key)], of: source, what: what, keys: keys)
  }

  /// A list of mappings inside this one; empty without the key.
  func entries(_ key: String, what: String, keys: [String]) throws(TopologyError) -> [EntryReader] {
    guard let node = node(key) else { return [] }
    guard let sequence = node.sequence else {
      throw wrong(key, node, "a list", mend: "start each entry with `- `, or write `\(key): []`")
    }
    var readers: [EntryReader] = []
    for (index, item) in sequence.enumerated() {
      let place = path + [.key(key), .index(index)]
      readers.append(try EntryReader(item, at: place, of: source, what: what, keys: keys))
    }
    return readers
  }

  /// The error for a key that has to be there.
  func missing(_ key: String) -> TopologyError {
    source.error(at: path, "missing key `\(key)` in \(what)", mend: "add `\(key): ...`")
  }

  /// An error at a key's value.
  func error(_ key: String, _ message: String, mend: String) -> TopologyError {
    source.error(at: path + [.key(key)], message, mend: mend)
  }

  /// What to write instead of a size with a decimal unit or with a unit of one letter.
  private static func mendedSize(_ text: String) -> String {
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    let unit = text.dropFirst(digits.count).first { !$0.isWhitespace }?.uppercased() ?? ""
    guard !digits.isEmpty, ["K", "M", "G", "T"].contains(unit) else {
      return "write a whole number with KiB, MiB, GiB or TiB, as in `64MiB`"
    }
    return "did you mean `\(digits)\(unit)iB`?"
  }

  private func node(_ key: String) -> Node? {
    mapping.first { $0.key.scalar?.string == key }?.value
  }

  private func wrong(
    _ key: String, _ node: Node, _ expected: String, mend: String
  ) -> TopologyError {
    error(
      key, "`\(key)` of \(what) must be \(expected), but is \(Self.kind(of: node))", mend: mend)
  }

  /// What a node is, in words.
  private static func kind(of node: Node) -> String {
    switch node {
    case .mapping: return "keys with values"
    case .sequence: return "a list"
    case .alias: return "an alias"
    case .scalar(let scalar):
      let text = "`\(scalar.string.prefix(40))`"
      switch node.tag {
      case Tag(.null): return "nothing"
      case Tag(.bool): return "the truth value \(text)"
      case Tag(.int), Tag(.float): return "the number \(text)"
      default: return text
      }
    }
  }
}
