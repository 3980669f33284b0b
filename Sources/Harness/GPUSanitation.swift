// SPDX-License-Identifier: Apache-2.0

import Foundation
import PCIInspection
import Topology
import Verification

/// Has the DMA sanitizer look at what each GPU of a run did, in all of the suites that had it work.
struct GPUSanitation: Sendable {
  let topology: Topology
  /// What the run was asked to have the GPUs use for files.
  let path: MappingPath
  let directory: RunDirectory
  let tree: PCITree
  /// Of the suites that have the GPUs work, in the order in which they ran.
  let observations: [SuiteExecution.Observation]
  let traceIsWhole: Bool
  /// The number of the last entry of each GPU's log, by topology id.
  let lastNumbers: [String: UInt64]

  /// What it says, by the GPU's topology id.
  func reports() throws -> [String: SanitizerReport] {
    let trace = try driverTrace()
    let addresses = tree.resolve(topology)
    var reports: [String: SanitizerReport] = [:]
    for gpu in topology.gpus {
      let path = directory.accessLogPath(gpu: gpu.id, of: topology)
      let log = AccessLog(
        log: try directory.guarding("read the access log of") {
          try Data(contentsOf: URL(filePath: path), options: .mappedIfSafe)
        })
      var sanitizer = DMASanitizer(
        log: log, trace: addresses[gpu.id].map { trace.events(of: $0.requesterID) },
        bus: DMABus(
          topology: topology, tree: tree,
          videoMemory: try tree.peerMemory(of: gpu.id, in: topology)),
        windows: Self.windows(of: gpu.id, in: observations, bars: bars(reachedBy: gpu.id)))
      sanitizer.expectsDigests = true
      sanitizer.expectsUnbinding = observations.allSatisfy { $0.interruption == nil }
      sanitizer.lastNumber = lastNumbers[gpu.id]
      var stalled: Set<SuiteCase> = []
      reports[gpu.id] = sanitizer.report().excusing { finding in
        if let reason = self.interruption(behind: finding) { return reason }
        // It stands still once, with one fence that comes no more.
        guard let (item, reason) = self.stall(behind: finding), stalled.insert(item).inserted
        else { return nil }
        return reason
      }
    }
    return reports
  }

  /// The parts of a GPU's log that belong to cases. None reaches into the next one, which may be
  /// another suite's: a case without an end would.
  ///
  /// - Parameter bars: the device in whose BAR the files of a volume can be, by the volume's id.
  static func windows(
    of gpu: String, in observations: [SuiteExecution.Observation], bars: [String: String] = [:]
  ) -> [AccessWindow] {
    var windows = observations.flatMap { observation in
      observation.testimony.cases.compactMap { item -> AccessWindow? in
        guard let window = observation.windows[item.header.n], window.gpu == gpu,
          let claim = item.gpu?.claim
        else { return nil }
        return AccessWindow(
          suite: observation.suite.rawValue, number: item.header.n, name: item.header.name,
          entries: window.entries, claim: claim, sparesVideo: observation.suite == .deviceMap,
          bars: observation.suite == .deviceMap
            ? Set([bars[item.header.volume]].compactMap(\.self)) : nil)
      }
    }
    windows.sort { $0.entries.lowerBound < $1.entries.lowerBound }
    for (index, next) in zip(windows.indices, windows.dropFirst()) {
      let entries = windows[index].entries
      windows[index].entries =
        entries.lowerBound..<min(entries.upperBound, next.entries.lowerBound)
    }
    return windows
  }

  /// The controllers of the volumes whose files the run may have in a BAR that a GPU reaches.
  private func bars(reachedBy gpu: String) -> [String: String] {
    guard path != .fallback else { return [:] }
    let reached = DeviceMapCoverage.controllers(reachedBy: gpu, in: topology)
    let pairs = topology.nvme.filter { reached.contains($0.id) }.flatMap { controller in
      controller.namespaces.map { ($0.id, controller.id) }
    }
    return Dictionary(pairs) { first, _ in first }
  }

  private func driverTrace() throws -> DriverTrace {
    let text = try directory.content(of: .driverTrace)
    guard !traceIsWhole else { return DriverTrace(trace: text) }
    // The last line may have come in part.
    let end = text.lastIndex(of: UInt8(ascii: "\n")) ?? text.startIndex
    var trace = DriverTrace(trace: text[..<end])
    trace.isTruncated = true
    return trace
  }

  /// What a suite leaves open that broke off.
  private func interruption(behind finding: SanitizerFinding) -> String? {
    guard [.lostFence, .unansweredFault].contains(finding.kind),
      let broken = observations.first(where: { $0.interruption != nil }),
      finding.suite == nil || finding.suite == broken.suite.rawValue
    else { return nil }
    return "the suite broke off"
  }

  /// A case of a suite, by its number.
  private struct SuiteCase: Hashable {
    var suite: Suite
    var number: Int
  }

  /// The fault injection by which a case asked for a finding, and the case: an engine that stands
  /// still until it is reset signals no fence.
  private func stall(behind finding: SanitizerFinding) -> (item: SuiteCase, reason: String)? {
    guard finding.kind == .lostFence, let number = finding.caseNumber,
      let observation = observations.first(where: { $0.suite.rawValue == finding.suite }),
      let item = observation.testimony.cases.first(where: { $0.header.n == number }),
      let stall = item.gpu?.injections.first(where: { $0.hasPrefix("stall") })
    else { return nil }
    return (SuiteCase(suite: observation.suite, number: number), "the case asked for \(stall)")
  }
}
