// SPDX-License-Identifier: Apache-2.0

import Verification

/// What the DMA sanitizer says of one GPU, in the words of the reports.
struct SanitizerSummary {
  /// Whether it found nothing, and could look at everything.
  let isClean: Bool
  /// How much it looked at, and how many findings there are.
  let sentence: String
  /// What happened outside of all cases; the other findings are with their cases.
  let findings: [String]
  /// What could not be looked at, and why.
  let limitations: [String]
  /// What is no finding, and why.
  let excuses: [String]

  /// One for each GPU, by its id; for a run without, why not, if it has cases of a GPU.
  static func all(of record: RunRecord) -> (summaries: [SanitizerSummary], absence: String?) {
    let summaries = record.sanitizer.sorted { $0.key < $1.key }.map(SanitizerSummary.init)
    // A power cut takes the driver's account away, so there is nothing to compare with.
    guard summaries.isEmpty, record.cases.contains(where: { $0.gpu != nil && !$0.isPowerCut })
    else {
      return (summaries, nil)
    }
    let isOff = record.options["sanitizer"] == "off"
    return ([], "DMA sanitizer: \(isOff ? "off" : "not applied")")
  }

  private init(gpu: String, report: SanitizerReport) {
    let accesses = Figures.count(report.total.accesses, "DMA access", plural: "DMA accesses")
    let count = report.counts.values.reduce(0, +)
    let found = count == 0 ? "no finding" : Figures.count(count, "finding")
    isClean = count == 0 && report.limitations.isEmpty
    sentence = "DMA sanitizer on \(gpu.printable): \(found) in \(accesses)"
    findings = report.findings.filter { $0.caseNumber == nil }.map {
      "\($0.kind.rawValue): \($0.sentence)".printable
    }
    limitations = report.limitations.map(\.printable)
    excuses = report.excuses.map(\.printable)
  }
}
