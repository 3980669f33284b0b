// SPDX-License-Identifier: Apache-2.0

import Foundation
import Verification

/// Two runs of the same cases, as on two kernels, and where they differ in what the cases showed.
public struct RunComparison: Sendable {
  /// A case that did not end alike.
  public struct Difference: Sendable, Hashable, Encodable {
    /// The suite that has it.
    public let suite: String
    /// Its name.
    public let name: String
    /// What it showed in the first run; nil if it is not there.
    public let first: CaseOutcome?
    /// What it showed in the second run; nil if it is not there.
    public let second: CaseOutcome?
  }

  /// The cases that differ, in the order of the first run, then those of the second run alone.
  public let differences: [Difference]
  /// Cases that ended alike.
  public let alike: Int
  private let records: [RunRecord]
  private let names: [String]

  private struct Key: Hashable {
    let suite: String
    let name: String
  }

  /// Compares two runs by the kinds of their cases' outcomes, and what is wrong in those that failed.
  ///
  /// - Parameter names: what the runs are called, such as their directories.
  /// - Throws: `ReportError` for runs of other cases. One that broke off before its first is none.
  public init(
    _ first: RunRecord, _ second: RunRecord, names: (String, String)
  ) throws(ReportError) {
    records = [first, second]
    self.names = [names.0, names.1]
    let known = Self.outcomes(of: first)
    let others = Self.outcomes(of: second)
    var differences: [Difference] = []
    var alike = 0
    for (key, outcome) in known.order.map({ ($0, known.outcomes[$0]) }) {
      let other = others.outcomes[key]
      if let outcome, let other, outcome.kind == other.kind, outcome.failure == other.failure {
        alike += 1
      } else {
        differences.append(
          Difference(suite: key.suite, name: key.name, first: outcome, second: other))
      }
    }
    for key in others.order where known.outcomes[key] == nil {
      differences.append(
        Difference(suite: key.suite, name: key.name, first: nil, second: others.outcomes[key]))
    }
    let haveCases = !first.cases.isEmpty && !second.cases.isEmpty
    let share = alike > 0 || differences.contains { $0.first != nil && $0.second != nil }
    guard share || !haveCases && first.suite == second.suite else {
      throw ReportError(
        """
        \(names.0) and \(names.1) have no case in common; they are runs of the suites \(first.suite) \
        and \(second.suite). Name two runs of the same cases.
        """)
    }
    self.differences = differences
    self.alike = alike
  }

  private static func outcomes(
    of record: RunRecord
  ) -> (order: [Key], outcomes: [Key: CaseOutcome]) {
    var order: [Key] = []
    var outcomes: [Key: CaseOutcome] = [:]
    for item in record.cases {
      let key = Key(suite: item.suite ?? record.suite, name: item.name)
      if outcomes.updateValue(item.outcome, forKey: key) == nil { order.append(key) }
    }
    return (order, outcomes)
  }

  /// The differences, a line each, and a sum; with a line end.
  public func text(columns: Int = 100, coloured: Bool = false) -> String {
    let ink = Ink(isOn: coloured)
    let columns = max(columns, 60)
    let titles = zip(names, records).map { name, record in
      [name, "Linux \(record.kernel.title)", record.optionWords].filter { !$0.isEmpty }
        .joined(separator: " · ").printable
    }
    var lines = zip(["A", "B"], titles).map { letter, title in
      ink(.faint, "\(letter)  \(title)".shortened(to: columns))
    }
    for item in differences {
      lines.append(ink(.strong, "≠ " + item.name.printable.shortened(to: columns - 2)))
      for (letter, outcome) in [("A", item.first), ("B", item.second)] {
        let words = outcome.map { outcome in
          [outcome.words, outcome.explanation].filter { !$0.isEmpty }.joined(separator: ": ")
        }
        let text = "\(letter)  \(words ?? "not in this run")".printable.shortened(to: columns - 4)
        lines.append("    " + ink(outcome?.meaning ?? .faint, text))
      }
    }
    for (letter, record) in zip(["A", "B"], records) {
      guard let interruption = record.interruption else { continue }
      let text = "\(letter) broke off: \(interruption)".printable
      lines += TextWrap.lines(text, columns: columns, indent: 0).map { ink(.bad, $0) }
    }
    let count = Figures.count(differences.count, "case")
    let sum =
      differences.isEmpty
      ? ink(.good, "ALIKE") + "  \(Figures.count(alike, "case"))"
      : ink(.bad, "DIFFERENT") + "  \(count) of \(alike + differences.count)"
    return (lines + [sum]).joined(separator: "\n") + "\n"
  }
}
