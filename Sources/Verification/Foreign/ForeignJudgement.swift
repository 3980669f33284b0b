// SPDX-License-Identifier: Apache-2.0

/// What the end of a program means that others wrote.
public struct ForeignJudgement: Sendable, Hashable {
  /// Exit statuses by which it says that it has not done the case.
  public var skipStatuses: Set<Int32>
  /// Lines that say so, whatever the status.
  public var skipLines: [Glob]
  /// Lines that say that something is wrong, whatever the status.
  public var failLines: [Glob]
  /// Whether it is a test of the kernel's: a result line of TAP counts beside its status.
  public var speaksTAP: Bool

  /// Bytes of an explanation.
  private static let limit = 300
  /// Words of the line that says what went wrong, the most telling first.
  private static let telling = ["fail:", "verify:", "error:", "not ok ", "assert", "err="]

  /// Names what a program does.
  public init(
    skipStatuses: Set<Int32> = [], skipLines: [Glob] = [], failLines: [Glob] = [],
    speaksTAP: Bool = false
  ) {
    self.skipStatuses = skipStatuses
    self.skipLines = skipLines
    self.failLines = failLines
    self.speaksTAP = speaksTAP
  }

  /// What a case showed.
  ///
  /// - Parameters:
  ///   - status: what the program ended with, 128 and more for a signal.
  ///   - lines: what it said, in order, or the last of that.
  public func outcome(status: Int32, lines: [String]) -> CaseOutcome {
    if speaksTAP { return tapOutcome(status: status, lines: lines) }
    let skips = lines.filter { line in skipLines.contains { $0.matches(line) } }
    let fails = lines.filter { line in
      failLines.contains { $0.matches(line) } && !skips.contains(line)
    }
    if !fails.isEmpty { return Self.failed(status, fails) }
    if let line = skips.first { return CaseOutcome(.skipped, nil, Self.short(line)) }
    if skipStatuses.contains(status) {
      return CaseOutcome(.skipped, nil, Self.reason(lines) ?? "it ended with status \(status)")
    }
    return status == 0 ? CaseOutcome(.verified) : Self.failed(status, lines)
  }

  /// One case, one result line. A program that says nothing of it has not passed.
  private func tapOutcome(status: Int32, lines: [String]) -> CaseOutcome {
    let results = lines.filter { $0.hasPrefix("ok ") || $0.hasPrefix("not ok ") }
      .compactMap { CaseVerdictLine($0) }
    guard results.count == 1, let result = results.first else {
      let text = results.isEmpty ? "no result line" : "\(results.count) result lines"
      return status == 0
        ? .failed(.program, "The program ended with status 0 and \(text).")
        : Self.failed(status, lines)
    }
    switch result.status {
    case .skipped(let reason):
      return CaseOutcome(.skipped, nil, reason.isEmpty ? "it gave no reason" : reason)
    case .passed where status == 0: return CaseOutcome(.verified)
    case .passed, .failed: return Self.failed(status, lines)
    }
  }

  private static func failed(_ status: Int32, _ lines: [String]) -> CaseOutcome {
    let end =
      status > 128 ? "was ended by signal \(status - 128)" : "ended with status \(status)"
    let words = reason(lines).map { ": \($0)" } ?? ""
    return .failed(.program, "The program \(end)\(words).")
  }

  private static func reason(_ lines: [String]) -> String? {
    for word in telling {
      let line = lines.first { $0.lowercased().contains(word) }
      if let line { return short(line) }
    }
    return lines.last { !$0.allSatisfy(\.isWhitespace) }.map(short)
  }

  private static func short(_ line: String) -> String {
    var text = line.drop { $0 == " " || $0 == "#" || $0 == "\t" }
    while text.last == " " || text.last == "." { text.removeLast() }
    return String(text.prefix(limit))
  }
}
