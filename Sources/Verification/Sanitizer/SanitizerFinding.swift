// SPDX-License-Identifier: Apache-2.0

/// Something that the GPU, its engine or its driver must never do, and did.
public struct SanitizerFinding: Hashable, Sendable, Codable {
  /// The rule that was broken. ``DMASanitizer`` says what each means.
  public enum Kind: String, Hashable, Sendable, Codable, CaseIterable, CodingKeyRepresentable {
    /// A mapping was used after its end had been acknowledged.
    case useAfterRevoke
    /// An address that the driver never gave for that page.
    case strayAccess
    /// Data went another way than the case claims.
    case wrongPath
    /// A mapping outlives its address space, or an address space its program.
    case leakedMapping
    /// The driver gave a page back that the engine could still use, or that was not mapped.
    case wrongRelease
    /// A page fault had no answer.
    case unansweredFault
    /// A command's end was never told, or never heard.
    case lostFence
    /// An invalidation was acknowledged before it was done.
    case lateAcknowledgment
    /// Fences came in another order than the commands, or before the command's DMA.
    case fenceOutOfOrder
    /// The driver put something on a ring that the engine had to refuse.
    case badEntry
    /// Data changed between where they came from and where they went.
    case corruptPayload
    /// The log or the trace cannot be believed.
    case logDamaged
  }

  /// The rule that was broken.
  public var kind: Kind
  /// The suite of the case in whose window it happened.
  public var suite: String?
  /// Number of the case in whose window it happened; nil outside of all of them.
  public var caseNumber: Int?
  /// Name of that case.
  public var caseName: String?
  /// Lines of `dma.jsonl`, from 1, the breach itself first; empty when only the driver's trace shows
  /// it.
  public var lines: [Int]
  /// What happened, as a sentence.
  public var sentence: String
  /// What proves it: log lines and trace events, each with its place.
  public var evidence: [String]
}

/// What the sanitizer says of a run.
public struct SanitizerReport: Hashable, Sendable, Codable {
  /// The first findings of each kind, in the order of the log.
  public var findings: [SanitizerFinding] = []
  /// How many there were of each kind; kinds without any are missing.
  public var counts: [SanitizerFinding.Kind: Int] = [:]
  /// What could not be looked at, and why, as sentences. None of them is a finding, but a run that
  /// came to its end is not verified with one.
  public var limitations: [String] = []
  /// What is no finding, and why, as sentences.
  public var excuses: [String] = []
  /// What moved in each case, in the order of the windows.
  public var cases: [AccessSummary] = []
  /// What moved in the whole log.
  public var total = AccessSummary()

  /// A report of nothing.
  public init() {}

  /// The report without the findings that `excuse` has a reason for.
  public func excusing(_ excuse: (SanitizerFinding) -> String?) -> SanitizerReport {
    var report = self
    report.findings = []
    for finding in findings {
      guard let reason = excuse(finding) else {
        report.findings.append(finding)
        continue
      }
      let left = count(finding.kind) > 0 ? (report.counts[finding.kind] ?? 0) - 1 : 0
      report.counts[finding.kind] = left > 0 ? left : nil
      report.excuses.append(
        "\(finding.kind.rawValue) in \(finding.caseName ?? "no case") is no finding: \(reason).")
    }
    return report
  }

  /// Nothing was found.
  public var isClean: Bool { counts.isEmpty }

  /// How many findings there were of `kind`, kept or not.
  public func count(_ kind: SanitizerFinding.Kind) -> Int { counts[kind] ?? 0 }
}
