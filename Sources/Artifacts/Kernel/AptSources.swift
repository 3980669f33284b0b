// SPDX-License-Identifier: Apache-2.0

import SystemPackage

/// The package sources that a Debian host is set up with (sources.list(5)), as far as it takes to
/// ask the host's own mirror for other suites.
struct AptSources: Hashable, Sendable {
  /// A source of binary packages.
  struct Entry: Hashable, Sendable {
    let uris: [String]
    let suites: [String]
    let components: [String]
    /// Keyring path, fingerprints or an embedded key; nil for the keys that apt trusts anyway.
    let signedBy: String?
  }

  /// A mirror of Debian's main archive.
  struct Mirror: Hashable, Sendable {
    let uris: [String]
    let signedBy: String?

    /// A `.sources` stanza for one suite.
    func stanza(suite: String) -> String {
      var text = """
        Types: deb
        URIs: \(uris.joined(separator: " "))
        Suites: \(suite)
        Components: main

        """
      if let signedBy { text += "Signed-By: \(signedBy)\n" }
      return text
    }
  }

  /// Suites of Debian's main archive, by which its mirrors are told from other archives.
  private static let debianSuites: Set<String> = [
    "oldoldstable", "oldstable", "stable", "testing", "unstable", "sid",
    "buster", "bullseye", "bookworm", "trixie", "forky", "duke",
  ]

  private(set) var entries: [Entry] = []

  /// Reads `sources.list` and `sources.list.d` below a directory (`/etc/apt`). Unreadable files
  /// have nothing.
  init(directory: FilePath) {
    add(list: (try? HostFiles.text(directory.appending("sources.list"))) ?? "")
    let parts = directory.appending("sources.list.d")
    for name in HostFiles.names(in: parts) {
      let text = (try? HostFiles.text(parts.appending(name))) ?? ""
      if name.hasSuffix(".list") { add(list: text) }
      if name.hasSuffix(".sources") { add(sources: text) }
    }
  }

  init(list: String = "", sources: String = "") {
    add(list: list)
    add(sources: sources)
  }

  /// Mirrors of Debian's main archive, the one that serves the host's own release first.
  ///
  /// Entries of the security archive and of third parties are not: their suites are others.
  func mirrors(codename: String?) -> [Mirror] {
    let candidates = entries.filter { entry in
      entry.components.contains("main")
        && !AptSources.debianSuites.isDisjoint(with: entry.suites)
    }
    let own = candidates.filter { entry in codename.map(entry.suites.contains) ?? false }
    var mirrors: [Mirror] = []
    for entry in own + candidates {
      let mirror = Mirror(uris: entry.uris, signedBy: entry.signedBy)
      if !mirrors.contains(mirror) { mirrors.append(mirror) }
    }
    return mirrors
  }

  /// The one-line format: `deb [option=value ...] uri suite component ...`.
  private mutating func add(list: String) {
    for rawLine in list.split(separator: "\n") {
      let line = rawLine.prefix { $0 != "#" }
      var words = line.split(whereSeparator: \.isWhitespace).map(String.init)
      guard words.first == "deb" else { continue }
      words.removeFirst()
      var options: [String] = []
      if words.first?.hasPrefix("[") == true {
        guard let end = words.firstIndex(where: { $0.hasSuffix("]") }) else { continue }
        options = words[...end].map { $0.trimmingBrackets() }.filter { !$0.isEmpty }
        words.removeSubrange(...end)
      }
      guard words.count >= 3, AptSources.isUsable(words[0]) else { continue }
      let signedBy = options.first { $0.lowercased().hasPrefix("signed-by=") }
      entries.append(
        Entry(
          uris: [words[0]], suites: [words[1]], components: Array(words[2...]),
          signedBy: signedBy.map { String($0.dropFirst("signed-by=".count)) }))
    }
  }

  /// The deb822 format: stanzas of fields, with continuation lines that begin with a blank.
  private mutating func add(sources: String) {
    var fields: [String: String] = [:]
    var last: String?
    func entry() -> Entry? {
      func words(_ field: String) -> [String] {
        (fields[field] ?? "").split(whereSeparator: \.isWhitespace).map(String.init)
      }
      let uris = words("uris").filter(AptSources.isUsable)
      guard words("types").contains("deb"), !uris.isEmpty, !words("suites").isEmpty,
        !["no", "false", "off", "0"].contains(fields["enabled"]?.lowercased() ?? "yes")
      else { return nil }
      return Entry(
        uris: uris, suites: words("suites"), components: words("components"),
        signedBy: fields["signed-by"])
    }
    // The empty line at the end closes the last stanza.
    for line in (sources + "\n").split(separator: "\n", omittingEmptySubsequences: false) {
      if line.hasPrefix("#") { continue }
      if line.allSatisfy(\.isWhitespace) {
        if let entry = entry() { entries.append(entry) }
        fields = [:]
        last = nil
      } else if line.first?.isWhitespace == true {
        // Continuation lines are kept as they are: they may be an armoured key.
        if let last { fields[last, default: ""] += "\n" + line }
      } else if let colon = line.firstIndex(of: ":") {
        let name = line[..<colon].lowercased()
        let value = line[line.index(after: colon)...].drop(while: \.isWhitespace)
        fields[name] = String(value)
        last = name
      }
    }
  }

  /// A CD-ROM is asked for by hand, which a build can't do.
  private static func isUsable(_ uri: String) -> Bool {
    uri.contains(":") && !uri.hasPrefix("cdrom:")
  }
}

extension String {
  fileprivate func trimmingBrackets() -> String {
    var text = self
    if text.hasPrefix("[") { text.removeFirst() }
    if text.hasSuffix("]") { text.removeLast() }
    return text
  }
}
