// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import Harness
import Reporting
import Verification

/// `crossbar report`.
struct ReportCommand: ParsableCommand, JSONCommand {
  static let configuration = CommandConfiguration(
    commandName: "report",
    abstract: "Shows finished runs again, several in a line each, and writes their reports anew.",
    discussion: """
      Each run's junit.xml and report.html are written. Exits 1 if a run among them \
      failed.

      EXAMPLES
        crossbar report runs/*
        crossbar report --json runs/switch-p2pdma-20260101-120000 | jq '.[].verdict'
      """)

  @Argument(help: "Run directories.", completion: .directory)
  var directories: [String]

  @Flag(help: "One JSON document on standard output: the records.")
  var json = false

  func run() throws {
    let finished = directories.filter { RunDirectory(existing: $0).isComplete }
    // Runs that were refused or interrupted lie beside the others; `report runs/*` names them too.
    let summary = try SuiteSummary(loading: finished.isEmpty ? directories : finished)
    for directory in directories where !finished.contains(directory) {
      Terminal.standardError("\(directory) holds no finished run and is left out.\n")
    }
    for entry in summary.entries {
      let finished = RunDirectory(existing: entry.directory)
      for file in try RunReports.files(of: entry.record) {
        try finished.write(file.content, named: file.name)
      }
    }
    print(json ? try Self.json(summary) : text(summary), terminator: "")
    if summary.exitCode != 0 { throw ExitStatus.failed }
  }

  /// One run in full, of several a line each.
  private func text(_ summary: SuiteSummary) -> String {
    let columns = Terminal.columns(of: STDOUT_FILENO)
    let coloured = Terminal.showsColours
    guard summary.entries.count == 1, let entry = summary.entries.first else {
      return summary.text(columns: columns, coloured: coloured)
    }
    return TerminalReport(
      entry.record, directory: entry.directory, columns: columns, coloured: coloured
    ).text
  }

  private static func json(_ summary: SuiteSummary) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(summary.entries.map(\.record)), as: UTF8.self) + "\n"
  }
}
