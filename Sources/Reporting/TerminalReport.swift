// SPDX-License-Identifier: Apache-2.0

import Foundation
import Topology
import Verification

/// A finished run as a person reads it in a terminal.
public struct TerminalReport: Sendable {
  let record: RunRecord
  let directory: String
  let columns: Int
  let coloured: Bool

  /// Prepares a report.
  ///
  /// - Parameters:
  ///   - record: the run.
  ///   - directory: where its logs are, as the user would name it.
  ///   - columns: width of the terminal.
  ///   - coloured: whether the terminal takes colours.
  public init(_ record: RunRecord, directory: String, columns: Int, coloured: Bool) {
    self.record = record
    self.directory = directory
    self.columns = max(columns, 60)
    self.coloured = coloured
  }

  /// The report, with a line end.
  public var text: String {
    var lines = [
      style("\(record.topology.name)", .bold) + "  \(record.topology.summary.printable)",
      style(machine, .dim), "",
    ]
    for (group, cases) in groups {
      lines.append(style(group, .bold))
      lines += cases.map(row)
      lines.append("")
    }
    lines += failures + limits + console
    lines += [summary, style(timings, .dim), style("logs: \(directory)", .dim)]
    return lines.joined(separator: "\n") + "\n"
  }

  private var machine: String {
    let environment = record.environment
    return "Linux \(record.kernel.release) · QEMU \(environment.qemu) · libvirt "
      + "\(environment.libvirt) · \(environment.accelerator)"
  }

  /// Cases by volume and peer, in the order in which they ran.
  private var groups: [(String, [CaseRecord])] {
    var groups: [(String, [CaseRecord])] = []
    for item in record.cases {
      let controller = record.topology.controller(ofNamespace: item.volume)?.id ?? "?"
      let name =
        "\(controller)/\(item.volume) ⇄ \(item.peer)  route: \(item.expectedRoute.rawValue)"
      if let index = groups.firstIndex(where: { $0.0 == name }) {
        groups[index].1.append(item)
      } else {
        groups.append((name, [item]))
      }
    }
    return groups
  }

  private func row(_ item: CaseRecord) -> String {
    let name = item.name.split(separator: ".", maxSplits: 2).last.map(String.init) ?? item.name
    let direct = item.phase(.direct)
    let fallback = item.phase(.fallback)
    let bytes = fallback.map { Figures.bytes($0.bytes) } ?? ""
    let directTime =
      direct.map { $0.errno == 0 ? Figures.seconds($0.seconds) : "refused" } ?? ""
    let fallbackTime = fallback.map { Figures.seconds($0.seconds) } ?? ""
    let line =
      "  \(mark(item.outcome)) \(left(name.printable, 26)) \(right(bytes, 9))  "
      + "direct \(right(directTime, 9))  fallback \(right(fallbackTime, 9))"
    let remark = remark(item.outcome)
    return remark.isEmpty ? line : "\(line)  \(remark)"
  }

  private func remark(_ outcome: CaseOutcome) -> String {
    switch outcome.kind {
    case .verified: ""
    case .refusedFellBack: "refused and fell back"
    case .skipped: "skipped: \(outcome.explanation.printable.prefix(60))"
    case .knownLimit: "silent corruption (known limit)"
    case .failed: outcome.failure?.rawValue ?? "failed"
    }
  }

  private func mark(_ outcome: CaseOutcome) -> String {
    switch outcome.kind {
    case .verified, .refusedFellBack: style("✓", .green)
    case .skipped: style("–", .dim)
    case .knownLimit: style("!", .yellow)
    case .failed: style("✗", .red)
    }
  }

  private var failures: [String] {
    var lines: [String] = []
    if let interruption = record.interruption {
      lines += [style("The suite did not come to its end.", .red)] + wrap(interruption) + [""]
    }
    let failed = record.cases.filter { $0.outcome.kind == .failed }
    guard let first = failed.first else { return lines }
    lines += [
      style(
        "First failure: \(first.name.printable): \(first.outcome.failure?.rawValue ?? "")", .red)
    ]
    lines += wrap(first.outcome.explanation)
    if failed.count > 1 { lines.append("  and \(failed.count - 1) more: see report.html") }
    return lines + [""]
  }

  private var limits: [String] {
    guard let first = record.cases.first(where: { $0.outcome.kind == .knownLimit }) else {
      return []
    }
    let count = record.count(.knownLimit)
    return [style("Known emulator limit: silent corruption in \(count) cases, such as", .yellow)]
      + wrap("\(first.name): \(first.outcome.explanation)") + [
        "  --strict makes it a failure.", "",
      ]
  }

  private var console: [String] {
    guard let first = record.console.first else { return [] }
    return [
      "console.log has \(record.console.count) reports of trouble, the first at line \(first.line):",
      "  \(first.text.printable.prefix(columns - 4))", "",
    ]
  }

  private var summary: String {
    let parts = [
      (record.count(.verified), "verified"),
      (record.count(.refusedFellBack), "refused and fell back"),
      (record.count(.knownLimit), "known limits"), (record.count(.skipped), "skipped"),
      (record.count(.failed), "failed"),
    ].filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }
    let text = "\(record.cases.count) cases: " + parts.joined(separator: ", ")
    return record.verdict == .verified
      ? style("VERIFIED", .green) + "  \(text)" : style("FAILED", .red) + "  \(text)"
  }

  private var timings: String {
    let timings = record.timings
    return [
      ("boot", timings.boot), ("push", timings.push), ("run", timings.run), ("stop", timings.stop),
      ("verify", timings.verify),
    ].map { "\($0.0) \(Figures.seconds($0.1))" }.joined(separator: " · ")
  }

  /// Select Graphic Rendition codes (ECMA-48, 8.3.117).
  private enum Style: Int {
    case bold = 1
    case dim = 2
    case red = 31
    case green = 32
    case yellow = 33
  }

  private func style(_ text: String, _ style: Style) -> String {
    coloured ? "\u{1B}[\(style.rawValue)m\(text)\u{1B}[0m" : text
  }

  private func left(_ text: String, _ width: Int) -> String {
    text.padding(toLength: max(width, text.count), withPad: " ", startingAt: 0)
  }

  private func right(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(width - text.count, 0)) + text
  }

  /// Words in lines of the terminal's width, indented by two.
  private func wrap(_ text: String) -> [String] {
    var lines: [String] = []
    var line = " "
    for word in text.printable.split(separator: " ") {
      if line.count + word.count + 1 > columns, line.count > 1 {
        lines.append(line)
        line = " "
      }
      line += " \(word)"
    }
    return lines + [line]
  }
}
