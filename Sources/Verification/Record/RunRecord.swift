// SPDX-License-Identifier: Apache-2.0

import Foundation
import Topology

/// A finished run: the content of `run.json`.
public struct RunRecord: Sendable, Hashable, Codable {
  /// The format that this code reads and writes.
  public static let schema = "crossbar.run/1"

  /// The logs of a run directory, by what they hold; relative to it.
  public static let standardLogs = [
    "console": "console.log", "qemu": "qemu.log", "trace": "nvme-trace.log",
    "program": "ktap.log", "domain": "domain.xml", "pci": "pci.txt",
  ]

  /// `RunRecord.schema`.
  public var schema = RunRecord.schema
  /// What the run showed.
  public var verdict: Verdict
  /// Why the verdict is bad, as sentences, the most telling first; empty for a good one.
  public var failures: [String]
  /// How many cases ended in each way.
  public var counts: Counts
  /// Why the suite did not come to its end; nil if it did.
  public var interruption: String?
  /// The name of the suite.
  public var suite: String
  /// What was asked for.
  public var topology: Topology
  /// Path of the topology's file as it was given.
  public var topologyFile: String
  /// Whether known limits were failures.
  public var strict: Bool
  /// What was asked for on the command line besides, as it is written there without the dashes.
  public var options: [String: String]
  /// Every case, in the order in which they ran.
  public var cases: [CaseRecord]
  /// Seconds of each phase.
  public var timings: Timings
  /// What the run ran on.
  public var environment: Environment
  /// What the guest ran.
  public var kernel: Kernel
  /// Seeds by what they seed; the suite `p2pdma` has nothing random.
  public var seeds: [String: UInt64]
  /// What the DMA sanitizer says of each GPU, by its id.
  public var sanitizer: [String: SanitizerReport]
  /// What the console said that it should not.
  public var console: [ConsoleReport]
  /// Paths of the logs, relative to the run directory, by what they hold.
  public var logs: [String: String]
  /// Boots that hung and were given up for another one; nil if there were none.
  public var bootRetries: [BootRetry]?

  /// Names a run; the verdict follows from the cases, the interruption, the DMA sanitizer, the
  /// console, and `faults`: what is wrong and belongs to none of these.
  public init(
    suite: String, topology: Topology, topologyFile: String,
    strict: Bool, options: [String: String] = [:], cases: [CaseRecord], interruption: String?,
    faults: [String] = [],
    timings: Timings,
    environment: Environment, kernel: Kernel, seeds: [String: UInt64] = [:],
    sanitizer: [String: SanitizerReport] = [:], console: [ConsoleReport],
    logs: [String: String] = RunRecord.standardLogs
  ) {
    counts = Counts(cases)
    failures = Self.failures(
      cases: cases, interruption: interruption, faults: faults, sanitizer: sanitizer,
      console: console.filter { $0.isFatal(iommu: environment.iommu) })
    verdict = failures.isEmpty ? .verified : .failed
    self.interruption = interruption
    self.suite = suite
    self.topology = topology
    self.topologyFile = topologyFile
    self.strict = strict
    self.options = options
    self.cases = cases
    self.timings = timings
    self.environment = environment
    self.kernel = kernel
    self.seeds = seeds
    self.sanitizer = sanitizer
    self.console = console
    self.logs = logs
  }

  /// Takes a boot that was given up, with its console.
  public mutating func add(_ retry: BootRetry) {
    let retries = (bootRetries ?? []) + [retry]
    bootRetries = retries
    let which = retries.count == 1 ? "" : " (\(retries.count))"
    logs["console of a boot that hung\(which)"] = retry.console
  }

  /// How many cases ended in each way.
  public func count(_ kind: CaseOutcome.Kind) -> Int {
    cases.count { $0.outcome.kind == kind }
  }

  /// The record as JSON with a stable order of keys.
  public func encoded() throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    return try encoder.encode(self)
  }

  private static func failures(
    cases: [CaseRecord], interruption: String?, faults: [String],
    sanitizer: [String: SanitizerReport], console: [ConsoleReport]
  ) -> [String] {
    var failures = cases.filter { $0.outcome.kind == .failed }.map { item in
      "\(item.name): \(item.outcome.failure?.rawValue ?? "failed"): \(item.outcome.explanation)"
    }
    if let interruption {
      failures.insert("The suite did not come to its end: \(interruption)", at: 0)
    }
    failures += faults
    failures += console.map {
      "The guest's kernel is in trouble: console.log:\($0.line): \($0.text)"
    }
    for (gpu, report) in sanitizer.sorted(by: { $0.key < $1.key }) {
      failures += report.findings.filter { $0.caseNumber == nil }.map {
        "The DMA sanitizer on \(gpu): \($0.kind.rawValue): \($0.sentence)"
      }
      // What broke off is a failure already, and has left things open.
      guard interruption == nil else { continue }
      failures += report.limitations.map {
        "The DMA sanitizer on \(gpu) was kept from its work: \($0)"
      }
    }
    let proved = cases.contains { [.verified, .refusedFellBack].contains($0.outcome.kind) }
    if failures.isEmpty, !proved {
      let limited = cases.contains { $0.outcome.kind == .knownLimit }
      failures = [
        cases.isEmpty
          ? "No case ran."
          : limited
            ? "No case got beyond a known limit: nothing was verified."
            : "Every case was skipped: nothing was verified."
      ]
    }
    return failures
  }
}
