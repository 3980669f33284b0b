// SPDX-License-Identifier: Apache-2.0

import Foundation
import Verification

/// Several finished runs, summed up.
public struct SuiteSummary: Sendable {
  /// A run and where it lies.
  public struct Entry: Sendable {
    /// The run directory, as the user names it.
    public let directory: String
    /// The run.
    public let record: RunRecord
  }

  /// The runs, in the order in which they were named.
  public let entries: [Entry]

  /// Sums up runs.
  public init(_ entries: [(directory: String, record: RunRecord)]) {
    self.entries = entries.map { Entry(directory: $0.directory, record: $0.record) }
  }

  /// Reads the records of run directories.
  ///
  /// - Throws: `ReportError` that names every directory that is no finished run.
  public init(loading directories: [String]) throws(ReportError) {
    var entries: [Entry] = []
    var unfinished: [String] = []
    for directory in directories {
      if FileManager.default.fileExists(atPath: "\(directory)/run.json") {
        entries.append(
          Entry(directory: directory, record: try RunLoader.load(directory: directory)))
      } else {
        unfinished.append(directory)
      }
    }
    guard unfinished.isEmpty else {
      throw ReportError(
        """
        No run came to its end in \(unfinished.joined(separator: ", ")): there is no run.json. \
        Leave out what is no finished run.
        """)
    }
    self.entries = entries
  }

  /// Counts of all cases.
  public var counts: RunRecord.Counts {
    entries.reduce(RunRecord.Counts()) { $0 + $1.record.counts }
  }

  /// 0 when every run is verified.
  public var exitCode: Int32 {
    entries.contains { $0.record.verdict != .verified } ? 1 : 0
  }

  /// A line a run and the sum, with a line end.
  public func text(columns: Int = 100, coloured: Bool = false) -> String {
    let ink = Ink(isOn: coloured)
    let columns = max(columns, 60)
    let names = entries.map { entry in
      let record = entry.record
      let part = record.options["only"] == nil ? "" : ", in part"
      let unseen = record.options["sanitizer"] == "off" ? ", without sanitizer" : ""
      return "\(record.suite) on \(record.topology.name)\(part)\(unseen)".printable
    }
    let width = min(names.map(\.terminalColumns).max() ?? 0, 36)
    let lines = zip(entries, names).map { entry, name in
      let record = entry.record
      let verified = record.verdict == .verified
      let meaning: Ink.Meaning =
        verified ? (record.counts.knownLimit > 0 ? .warning : .good) : .bad
      let rest =
        "\(Figures.seconds(record.timings.total).padded(from: 9))  \(record.counts.words)"
        .shortened(to: columns - width - 5)
      let head =
        "\(ink(meaning, verified ? "✓" : "✗")) \(name.shortened(to: width).padded(to: width))"
      let place = entries.count > 1 ? "\n    " + ink(.faint, entry.directory.printable) : ""
      let failure = record.failures.first.map { failure in
        "\n    " + ink(.bad, failure.printable.shortened(to: columns - 4))
      }
      return "\(head)  \(rest)\(failure ?? "")\(place)"
    }
    let verdict = exitCode == 0 ? ink(.good, "VERIFIED") : ink(.bad, "FAILED")
    let sum = "\(Figures.count(entries.count, "run")), \(Figures.count(counts.total, "case"))"
    return (lines + ["\(verdict)  \(sum): \(counts.words)"]).joined(separator: "\n") + "\n"
  }
}
