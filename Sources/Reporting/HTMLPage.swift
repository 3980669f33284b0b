// SPDX-License-Identifier: Apache-2.0

import Foundation
import Topology
import Verification

/// What the HTML template shows. Mustache reads the properties by their names and escapes each value.
struct HTMLPage {
  struct Entry {
    let name: String
    let value: String
  }

  struct Finding {
    let kind: String
    let title: String
    let text: String
    let accounts: [Entry]
  }

  struct Group {
    let title: String
    let route: String
    let rows: [HTMLTransferRow]
  }

  /// Cases of a GPU, which have other columns.
  struct GPUGroup {
    let title: String
    let rows: [HTMLGPURow]
  }

  /// Cases of the suite `device-map`, which have other columns again.
  struct DeviceMapGroup {
    let title: String
    let route: String
    let rows: [HTMLDeviceMapRow]
  }

  /// Cases of somebody else's program.
  struct ForeignGroup {
    let title: String
    let rows: [HTMLForeignRow]
  }

  /// What the DMA sanitizer says of a GPU.
  struct Sanitizer {
    let kind: String
    let sentence: String
    let remarks: [Entry]
  }

  struct Log {
    let name: String
    let path: String
  }

  let title: String
  let summary: String
  let verdict: String
  let verdictClass: String
  let counts: String
  let machine: [Entry]
  let timings: [Entry]
  let total: String
  let findings: [Finding]
  let hasFindings: Bool
  let sanitizers: [Sanitizer]
  let plot: TimePlot?
  let groups: [Group]
  let gpuGroups: [GPUGroup]
  let deviceMapGroups: [DeviceMapGroup]
  let foreignGroups: [ForeignGroup]
  let deviceMapTotals: [Entry]
  let hasDeviceMap: Bool
  let powerCuts: [Entry]
  let hasPowerCuts: Bool
  let bootRetries: [Entry]
  let hasBootRetries: Bool
  let console: [Entry]
  let hasConsole: Bool
  let logs: [Log]
  let hasLogs: Bool

  init(_ record: RunRecord) {
    title = "\(record.suite) on \(record.topology.name)".printable
    summary = record.topology.summary.printable
    let limited = record.counts.knownLimit > 0
    let isGood = record.verdict == .verified
    verdict = isGood ? (limited ? "verified, with known limits" : "verified") : "failed"
    verdictClass = isGood ? (limited ? "knownLimit" : "verified") : "failed"
    counts = "\(Figures.count(record.cases.count, "case")): \(record.counts.words)"
    let environment = record.environment
    machine = [
      ("guest kernel", "\(record.kernel.title), \(record.kernel.origin)"),
      ("QEMU", environment.qemu), ("libvirt", environment.libvirt),
      ("accelerator", environment.accelerator), ("IOMMU", environment.iommu?.words ?? ""),
      ("host", "Linux \(environment.hostKernel), \(environment.hostProcessors) processors"),
      ("Crossbar", environment.crossbar), ("topology", record.topologyFile),
      ("options", record.optionWords),
    ].filter { !$0.1.isEmpty }.map { Entry(name: $0.0, value: $0.1.printable) }
    let times = record.timings
    timings = [
      ("boot", times.boot), ("push", times.push), ("run", times.run), ("stop", times.stop),
      ("verify", times.verify),
    ].map { Entry(name: $0.0, value: Figures.seconds($0.1)) }
    total = Figures.seconds(times.total)
    findings = Self.findings(record)
    hasFindings = !findings.isEmpty
    sanitizers = Self.sanitizers(record)
    plot = TimePlot(record.cases)
    let longest = record.cases.flatMap(\.phases).map(\.seconds).filter(\.isFinite).max() ?? 0
    let all = CaseGroup.groups(of: record)
    gpuGroups = all.filter { $0.kind == .gpu }.map { group in
      GPUGroup(title: group.title, rows: group.cases.map(HTMLGPURow.init))
    }
    groups = all.compactMap { group in
      guard case .transfer = group.kind else { return nil }
      return Group(
        title: group.title, route: group.routeWords,
        rows: group.cases.map { HTMLTransferRow($0, longest: longest) })
    }
    deviceMapGroups = all.compactMap { group in
      guard case .deviceMap = group.kind else { return nil }
      return DeviceMapGroup(
        title: group.title, route: group.routeWords,
        rows: group.cases.map(HTMLDeviceMapRow.init))
    }
    foreignGroups = all.compactMap { group in
      guard case .foreign = group.kind else { return nil }
      return ForeignGroup(title: group.title, rows: group.cases.map(HTMLForeignRow.init))
    }
    deviceMapTotals = Self.totals(record)
    hasDeviceMap = !deviceMapTotals.isEmpty
    powerCuts = PowerCutSummary.sentences(of: record).map { Entry(name: "writes", value: $0) }
    hasPowerCuts = !powerCuts.isEmpty
    bootRetries = record.bootRetrySentences.map {
      Entry(name: "given up, and booted again", value: $0.printable)
    }
    hasBootRetries = !bootRetries.isEmpty
    console = record.console.map {
      Entry(name: "line \($0.line)", value: "\($0.kind): \($0.text)".printable)
    }
    hasConsole = !console.isEmpty
    logs = record.logs.sorted { $0.value < $1.value }.filter { Self.isPlain($0.value) }
      .map { Log(name: $0.key.printable, path: $0.value) }
    hasLogs = !logs.isEmpty
  }

  /// Names of files in the run directory, and no address of anything else.
  private static func isPlain(_ path: String) -> Bool {
    !path.isEmpty && !path.hasPrefix(".")
      && path.utf8.allSatisfy { byte in
        let scalar = Unicode.Scalar(byte)
        return byte < 128
          && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar)
            || "-_.".unicodeScalars
              .contains(scalar))
      }
  }

  private static func sanitizers(_ record: RunRecord) -> [Sanitizer] {
    let (summaries, absence) = SanitizerSummary.all(of: record)
    if let absence { return [Sanitizer(kind: "knownLimit", sentence: absence, remarks: [])] }
    return summaries.map { summary in
      let remarks =
        summary.findings.map { Entry(name: "finding", value: $0) }
        + summary.limitations.map { Entry(name: "not checked", value: $0) }
        + summary.excuses.map { Entry(name: "no finding", value: $0) }
      return Sanitizer(
        kind: summary.isClean ? "verified" : "failed", sentence: summary.sentence, remarks: remarks)
    }
  }

  private static func totals(_ record: RunRecord) -> [Entry] {
    guard let summary = DeviceMapSummary(of: record) else { return [] }
    let named = [("paths", summary.paths), ("driver", summary.pages), ("GPU", summary.bytes)]
    return (named + summary.controllers.map { ("QEMU", $0) }).map {
      Entry(name: $0.0, value: $0.1)
    }
  }

  private static func findings(_ record: RunRecord) -> [Finding] {
    var findings: [Finding] = []
    if let interruption = record.interruption {
      findings.append(
        Finding(
          kind: "failed", title: "The suite did not come to its end", text: interruption.printable,
          accounts: []))
    }
    for item in record.cases where item.outcome.kind == .failed {
      findings.append(finding(item))
    }
    let limited = record.cases.filter { $0.outcome.kind == .knownLimit }
    if let first = limited.first {
      let finding = finding(first)
      findings.append(
        Finding(
          kind: finding.kind,
          title: "Known emulator limit in \(Figures.count(limited.count, "case")), such as "
            + finding.title,
          text: finding.text, accounts: finding.accounts))
    }
    return findings
  }

  private static func finding(_ item: CaseRecord) -> Finding {
    let accounts = item.phases.flatMap { phase -> [Entry] in
      let name = phase.phase.rawValue
      let moved = phase.path.moved.words
      let commands = Figures.count(phase.path.commands, "NVMe command")
      let entries = [
        moved.isEmpty ? nil : Entry(name: "\(name) path", value: "\(moved) in \(commands)"),
        phase.mismatch.map { Entry(name: "\(name) bytes", value: $0.printable) },
      ]
      return entries.compactMap { $0 }
    }
    return Finding(
      kind: item.outcome.kind.rawValue, title: "\(item.name): \(item.outcome.words)".printable,
      text: item.outcome.explanation.printable, accounts: accounts)
  }
}
