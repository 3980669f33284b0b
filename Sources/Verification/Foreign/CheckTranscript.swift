// SPDX-License-Identifier: Apache-2.0

/// Follows the output of xfstests' `check` line by line.
///
/// A test's line begins with its name and ends with its seconds if it passed, has `[not run]` and why
/// if it did not run, and says what is wrong otherwise; more of that follows in further lines.
public struct CheckTranscript: Sendable {
  /// What became of one test.
  public struct Result: Hashable, Sendable {
    /// Such as `generic/001`.
    public let test: String
    /// What it showed.
    public let outcome: CaseOutcome
  }

  /// The tests that were asked for and have not been named yet.
  private var expected: Set<String>
  private var order: [String]
  private var current: (test: String, lines: [String])?
  /// Tests that the last lines name as failed, whatever their own lines say.
  public private(set) var failures: Set<String> = []

  private static let endings = ["Ran: ", "Not run: ", "Failures: ", "Failed ", "Passed all "]
  /// Lines of a failure that are kept.
  private static let keptLines = 12
  private static let limit = 600

  /// A `check` that was given these tests.
  public init(tests: [String]) {
    order = tests
    expected = Set(tests)
  }

  /// Takes the next line, without its end.
  ///
  /// - Returns: the results that it completes.
  public mutating func take(_ line: String) -> [Result] {
    let name = line.prefix { $0 != " " && $0 != "\t" && $0 != "[" }
    if expected.remove(String(name)) != nil {
      let former = flush()
      let rest = String(line.dropFirst(name.count))
      current = (String(name), [rest])
      // More lines follow a failure only.
      return former + (Self.outcome([rest]).kind == .failed ? [] : flush())
    }
    if Self.endings.contains(where: line.hasPrefix) {
      if line.hasPrefix("Failures: ") {
        failures.formUnion(line.split(separator: " ").dropFirst().map(String.init))
      }
      return flush()
    }
    if let lines = current?.lines, lines.count < Self.keptLines { current?.lines.append(line) }
    return []
  }

  /// Ends it: the results that are still to come, those of tests that it never named among them.
  ///
  /// - Parameter reason: why it ended, for these.
  public mutating func finish(reason: String) -> [Result] {
    let last = flush()
    let missing = order.filter(expected.contains).map { test in
      Result(
        test: test,
        outcome: .failed(.incomplete, "The program `check` never came to this test: \(reason)."))
    }
    return last + missing
  }

  private mutating func flush() -> [Result] {
    guard let (test, lines) = current else { return [] }
    current = nil
    return [Result(test: test, outcome: Self.outcome(lines))]
  }

  private static func outcome(_ lines: [String]) -> CaseOutcome {
    let first = lines.first ?? ""
    if let range = first.range(of: "[not run]") {
      let reason = trimmed(first[range.upperBound...])
      return CaseOutcome(.skipped, nil, reason.isEmpty ? "it gave no reason" : reason)
    }
    if first.contains("[expunged]") { return CaseOutcome(.skipped, nil, "left out by xfstests") }
    if hasPassed(first) { return CaseOutcome(.verified) }
    let text = lines.map { trimmed($0[...]) }.filter { !$0.isEmpty }.joined(separator: " | ")
    let words = text.isEmpty ? "it gave no reason" : String(text.prefix(limit))
    return .failed(.program, "The test failed: \(words)")
  }

  /// `   5s`, or `5s ...  4s` where it ran before; nothing else.
  private static func hasPassed(_ text: String) -> Bool {
    let words = text.split { $0 == " " || $0 == "\t" }
    guard let last = words.last, isTime(last) else { return false }
    return words.count == 1 || (words.count == 3 && isTime(words[0]) && words[1] == "...")
  }

  private static func isTime(_ word: Substring) -> Bool {
    word.last == "s" && word.count > 1 && word.dropLast().allSatisfy(\.isNumber)
  }

  private static func trimmed(_ text: Substring) -> String {
    var text = text.drop { $0 == " " || $0 == "\t" }
    while text.last == " " || text.last == "\t" { text.removeLast() }
    return String(text)
  }
}
