// SPDX-License-Identifier: Apache-2.0

/// A KTAP result line.
public struct CaseVerdictLine: Hashable, Sendable {
  /// How a case ended, in the guest's eyes.
  public enum Status: Hashable, Sendable {
    /// `ok`.
    case passed
    /// `not ok`, and what the line says behind the name.
    case failed(String)
    /// `# SKIP`, and why.
    case skipped(String)
  }

  /// Number of the case.
  public let n: Int
  /// Name of the case.
  public let name: String
  /// How it ended.
  public let status: Status

  /// A result.
  public init(n: Int, name: String, status: Status) {
    self.n = n
    self.name = name
    self.status = status
  }

  init?(_ line: String) {
    let passed = line.hasPrefix("ok ")
    let rest = line.dropFirst(passed ? 3 : 7)
    let words = rest.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: true)
    guard let first = words.first, let number = Int(first),
      (1...ProtocolBounds.cases).contains(number)
    else { return nil }
    var text = words.count > 1 ? words[1] : ""
    if text.hasPrefix("- ") { text = text.dropFirst(2) }
    var note: Substring = ""
    if let hash = text.firstIndex(of: "#") {
      note = text[text.index(after: hash)...].drop { $0 == " " }
      text = text[..<hash]
    }
    while text.last == " " { text.removeLast() }
    self.n = number
    self.name = String(text.prefix(ProtocolBounds.name))
    let reason = String(note.prefix(ProtocolBounds.name))
    if passed, reason.uppercased().hasPrefix("SKIP") {
      status = .skipped(String(reason.dropFirst(4).drop { $0 == " " || $0 == ":" }))
    } else {
      status = passed ? .passed : .failed(reason)
    }
  }
}
