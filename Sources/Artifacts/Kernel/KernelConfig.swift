// SPDX-License-Identifier: Apache-2.0

/// Options of the kernel's configuration, and where each was asked for.
struct KernelConfig: Hashable, Sendable {
  /// One option.
  struct Option: Hashable, Sendable {
    let name: String
    /// Text after the equals sign; nil for "is not set".
    let value: String?
    let file: String
    let line: Int

    var text: String { value.map { "\(name)=\($0)" } ?? "# \(name) is not set" }
  }

  private(set) var options: [String: Option] = [:]

  /// Options of several fragments; a later fragment overrides an earlier one.
  ///
  /// - Throws: `ArtifactError` for a line that is neither an option nor a comment.
  init(fragments: [(text: String, file: String)]) throws(ArtifactError) {
    for fragment in fragments {
      let lines = fragment.text.split(separator: "\n", omittingEmptySubsequences: false)
      for (index, line) in lines.enumerated() {
        let text = line.trimmingSpaces()
        if let option = KernelConfig.option(text, fragment.file, index + 1) {
          options[option.name] = option
        } else if !text.isEmpty && !text.hasPrefix("#") {
          throw ArtifactError(
            .input, "\(fragment.file):\(index + 1): `\(text)` is no kernel option",
            mend: "write `CONFIG_NAME=value` or `# CONFIG_NAME is not set`")
        }
      }
    }
  }

  /// The finished `.config` of a tree.
  init(dotConfig text: String) {
    for (index, line) in text.split(separator: "\n").enumerated() {
      if let option = KernelConfig.option(line.trimmingSpaces(), ".config", index + 1) {
        options[option.name] = option
      }
    }
  }

  /// The options of this one that another configuration does not have as they are, by name.
  func lost(in other: KernelConfig) -> [Option] {
    options.values.filter { wanted in
      let found = other.options[wanted.name]?.value
      // What a tree does not know is as good as not set.
      return (found == "n" ? nil : found) != (wanted.value == "n" ? nil : wanted.value)
    }
    .sorted { ($0.file, $0.line) < ($1.file, $1.line) }
  }

  /// Throws when options are lost in the finished configuration.
  ///
  /// - Parameters:
  ///   - final: what `olddefconfig` made of this.
  ///   - tree: the kernel, for the message.
  ///   - tolerated: options whose loss is only reported.
  /// - Returns: the options that are lost and tolerated.
  func verifySurvived(
    in final: KernelConfig, tree: String, tolerated: Set<String> = []
  ) throws(ArtifactError) -> [Option] {
    let lost = lost(in: final)
    let fatal = lost.filter { !tolerated.contains($0.name) }
    guard fatal.isEmpty else {
      let list = fatal.prefix(10).map { option in
        let found = final.options[option.name]?.text ?? "\(option.name) is unknown or out of reach"
        return "\(option.file):\(option.line): \(option.text), but the kernel has: \(found)"
      }
      let more = fatal.count > list.count ? "\n  and \(fatal.count - list.count) more" : ""
      throw ArtifactError(
        .configuration,
        "\(tree) did not keep \(fatal.count) of the options that were asked for:\n  "
          + list.joined(separator: "\n  ") + more,
        mend: "add the options that they depend on to the fragment, or take them out")
    }
    return lost
  }

  private static func option(_ line: String, _ file: String, _ number: Int) -> Option? {
    if line.hasPrefix("CONFIG_"), let equals = line.firstIndex(of: "=") {
      let name = String(line[..<equals])
      guard isName(name) else { return nil }
      return Option(
        name: name, value: String(line[line.index(after: equals)...]), file: file, line: number)
    }
    let suffix = " is not set"
    if line.hasPrefix("# CONFIG_"), line.hasSuffix(suffix) {
      let name = String(line.dropFirst(2).dropLast(suffix.count))
      return isName(name) ? Option(name: name, value: nil, file: file, line: number) : nil
    }
    return nil
  }

  private static func isName(_ name: String) -> Bool {
    name.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
        true
      default: false
      }
    }
  }
}

extension StringProtocol {
  fileprivate func trimmingSpaces() -> String {
    var text = Substring(self)
    while let last = text.last, last.isWhitespace { text.removeLast() }
    while let first = text.first, first.isWhitespace { text.removeFirst() }
    return String(text)
  }
}
