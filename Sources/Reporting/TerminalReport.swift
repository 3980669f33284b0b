// SPDX-License-Identifier: Apache-2.0

import Topology
import Verification

/// A finished run as a person reads it in a terminal, or as plain text.
public struct TerminalReport: Sendable {
  private let record: RunRecord
  private let directory: String
  private let columns: Int
  private let ink: Ink

  /// Failed cases that are explained; the others are named in the table and in the HTML report.
  private static let explainedFailures = 3

  /// Prepares a report.
  ///
  /// - Parameters:
  ///   - record: the run.
  ///   - directory: where its logs are, as the user would name it.
  ///   - columns: width of the terminal, at least 60.
  ///   - coloured: whether the text may have colours.
  public init(_ record: RunRecord, directory: String, columns: Int = 100, coloured: Bool = false) {
    self.record = record
    self.directory = directory
    self.columns = max(columns, 60)
    ink = Ink(isOn: coloured)
  }

  /// The report, with a line end. Nothing in it can steer a terminal but its own colours.
  public var text: String {
    let groups = CaseGroup.groups(of: record)
    let width = CaseTable.nameWidth(of: groups, columns: columns)
    let tables = groups.map { group in
      CaseTable(group: group, columns: columns, ink: ink, nameWidth: width).lines
    }
    let blocks =
      [heading] + tables + [
        failures, limits, deviceMap, powerCuts, sanitizer, bootRetries, console, summary,
      ]
    return blocks.filter { !$0.isEmpty }.map { $0.joined(separator: "\n") }
      .joined(separator: "\n\n") + "\n"
  }

  private var heading: [String] {
    let machine = ["Linux \(record.kernel.title)"] + record.environment.words
    let title = "\(record.suite) on \(record.topology.name)".printable
    return [ink(.strong, title)]
      + TextWrap.lines(record.topology.summary.printable, columns: columns, indent: 0)
      + [machine.joined(separator: " · ").printable, record.optionWords]
      .filter { !$0.isEmpty }.map { ink(.faint, $0.shortened(to: columns)) }
  }

  private var failures: [String] {
    var lines: [String] = []
    if let interruption = record.interruption {
      lines.append(ink(.bad, "The suite did not come to its end."))
      lines += wrap(interruption)
    }
    let failed = record.cases.filter { $0.outcome.kind == .failed }
    for item in failed.prefix(Self.explainedFailures) {
      let title = "\(item.outcome.mark) \(item.name.printable): \(item.outcome.words)"
      lines.append(ink(.bad, title.shortened(to: columns)))
      lines += wrap(item.outcome.explanation)
      lines += item.phases.compactMap(account)
    }
    let others = failed.count - Self.explainedFailures
    if others > 0 {
      lines.append("  and \(Figures.count(others, "more failed case")): see report.html")
    }
    let rest = record.failures.count - failed.count - (record.interruption == nil ? 0 : 1)
    for failure in record.failures.suffix(max(rest, 0)) {
      // With what would mend it at its end.
      let sentence = wrap(failure)
      lines += sentence.enumerated().map { number, line in
        ink(.bad, number == 0 ? "✗ " + line.dropFirst(2) : line)
      }
    }
    return lines
  }

  /// Where a failed case's bytes went.
  private func account(_ phase: PhaseRecord) -> String? {
    let moved = phase.path.moved.words
    guard !moved.isEmpty else { return nil }
    let commands = Figures.count(phase.path.commands, "NVMe command")
    return ink(
      .faint,
      "  \(phase.phase.rawValue), by QEMU's account: \(moved) in \(commands)".shortened(to: columns)
    )
  }

  private var limits: [String] {
    let limited = record.cases.filter { $0.outcome.kind == .knownLimit }
    guard let first = limited.first else { return [] }
    let title =
      "Known emulator limit in \(Figures.count(limited.count, "case")): "
      + "\(first.outcome.failure?.rawValue ?? "failure"), such as in \(first.name.printable)"
    return [ink(.warning, "! " + title.shortened(to: columns - 2))]
      + wrap(first.outcome.explanation)
      + [ink(.faint, "  --strict makes it a failure.")]
  }

  private var deviceMap: [String] {
    guard let summary = DeviceMapSummary(of: record) else { return [] }
    return [ink(.strong, "paths of file data")] + summary.sentences.flatMap { wrap($0) }
  }

  private var powerCuts: [String] {
    let sentences = PowerCutSummary.sentences(of: record)
    return sentences.isEmpty
      ? [] : [ink(.strong, "power cuts")] + sentences.flatMap { wrap($0) }
  }

  private var sanitizer: [String] {
    let (summaries, absence) = SanitizerSummary.all(of: record)
    if let absence { return [ink(.warning, "! " + absence)] }
    return summaries.flatMap { summary in
      let mark = summary.isClean ? ink(.good, "✓") : ink(.bad, "✗")
      return ["\(mark) \(summary.sentence)"]
        + (summary.limitations + summary.excuses).flatMap { wrap($0) }
    }
  }

  private var bootRetries: [String] {
    record.bootRetrySentences.flatMap { sentence in
      [ink(.warning, "! The guest was booted twice.")] + wrap(sentence)
    }
  }

  private var console: [String] {
    guard let first = record.console.first else { return [] }
    let count = Figures.count(record.console.count, "report")
    let text = "console.log has \(count) of trouble, the first in line \(first.line):"
    return [first.isFatal(iommu: record.environment.iommu) ? ink(.bad, text) : ink(.warning, text)]
      + wrap(first.text)
  }

  private var summary: [String] {
    let (title, meaning): (String, Ink.Meaning) =
      if record.verdict != .verified {
        ("FAILED", .bad)
      } else if record.counts.knownLimit > 0 {
        ("VERIFIED, with known limits", .warning)
      } else {
        ("VERIFIED", .good)
      }
    let timings = record.timings
    let phases = [
      ("boot", timings.boot), ("push", timings.push), ("run", timings.run), ("stop", timings.stop),
      ("verify", timings.verify),
    ]
    let times = phases.map { "\($0.0) \(Figures.seconds($0.1))" }.joined(separator: " · ")
    let cases = Figures.count(record.cases.count, "case")
    let counts = record.counts.words
    let verdict = "\(title)  \(cases)\(counts.isEmpty ? "" : ": \(counts)")"
    var lines: [String] = []
    if verdict.terminalColumns <= columns {
      lines.append(ink(meaning, title) + verdict.dropFirst(title.count))
    } else {
      lines.append(ink(meaning, title))
      lines += TextWrap.lines("\(cases): \(counts)", columns: columns, indent: 2)
    }
    let total = "\(Figures.seconds(timings.total)): \(times)"
    lines += TextWrap.lines(total, columns: columns, indent: 0).map { ink(.faint, $0) }
    // Not wrapped: a path is there to be copied.
    return lines + [ink(.faint, "report: \(directory.printable)/report.html, beside its logs")]
  }

  private func wrap(_ text: String) -> [String] {
    TextWrap.lines(text.printable, columns: columns, indent: 2)
  }
}
