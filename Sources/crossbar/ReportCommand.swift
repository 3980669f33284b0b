// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import Harness
import Reporting
import Verification

/// `crossbar report`.
struct ReportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report",
    abstract: "Shows finished runs again, and writes their junit.xml and report.html anew.",
    discussion: """
      Exits 1 if a run among them failed.

      EXAMPLES
        crossbar report runs/*
        crossbar report --json runs/switch-p2pdma-20260101-120000 | jq '.[].verdict'
      """)

  @Argument(help: "Run directories.", completion: .directory)
  var directories: [String]

  @Flag(help: "One JSON document on standard output: the records.")
  var json = false

  func run() throws {
    let records = try directories.map { ($0, try RunLoader.load(directory: $0)) }
    for (directory, record) in records {
      let finished = RunDirectory(existing: directory)
      for file in try RunReports.files(of: record) {
        try finished.write(file.content, named: file.name)
      }
      guard !json else { continue }
      let report = TerminalReport(
        record, directory: directory, columns: Terminal.columns(of: STDOUT_FILENO),
        coloured: Terminal.showsColours)
      print(report.text)
    }
    if json {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
      print(String(decoding: try encoder.encode(records.map(\.1)), as: UTF8.self))
    }
    if records.contains(where: { $0.1.verdict != .verified }) { throw ExitStatus.failed }
  }
}
