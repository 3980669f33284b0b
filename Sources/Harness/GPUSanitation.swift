// SPDX-License-Identifier: Apache-2.0

import Foundation
import PCIInspection
import Topology
import Verification

/// Has the DMA sanitizer look at what each GPU of a run did.
struct GPUSanitation: Sendable {
  let topology: Topology
  let directory: RunDirectory
  let tree: PCITree
  let observation: SuiteExecution.Observation
  let traceIsWhole: Bool

  /// What it says, by the GPU's topology id.
  func reports() throws -> [String: SanitizerReport] {
    let trace = try driverTrace()
    var reports: [String: SanitizerReport] = [:]
    for gpu in topology.gpus {
      let path = directory.accessLogPath(gpu: gpu.id, of: topology)
      let log = AccessLog(
        log: try directory.guarding("read the access log of") {
          try Data(contentsOf: URL(filePath: path), options: .mappedIfSafe)
        })
      var sanitizer = DMASanitizer(
        log: log, trace: trace,
        bus: bus(videoMemory: try tree.peerMemory(of: gpu.id, in: topology)),
        windows: windows(of: gpu.id))
      sanitizer.expectsDigests = true
      reports[gpu.id] = sanitizer.report().excusing { finding in
        self.interruption(behind: finding) ?? self.injection(behind: finding)
      }
    }
    return reports
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
    guard observation.interruption != nil, [.lostFence, .unansweredFault].contains(finding.kind)
    else { return nil }
    return "the suite broke off"
  }

  /// The fault injection by which a case asked for a finding: an engine that stands still until it
  /// is reset signals no fence.
  private func injection(behind finding: SanitizerFinding) -> String? {
    guard finding.kind == .lostFence, let number = finding.caseNumber,
      let item = observation.testimony.cases.first(where: { $0.header.n == number })
    else { return nil }
    return item.gpu?.injections.first { $0.hasPrefix("stall") }.map { "the case asked for \($0)" }
  }

  private func windows(of gpu: String) -> [AccessWindow] {
    observation.testimony.cases.compactMap { item in
      guard let window = observation.windows[item.header.n], window.gpu == gpu,
        let claim = item.gpu?.claim
      else { return nil }
      return AccessWindow(
        number: item.header.n, name: item.header.name, entries: window.entries, claim: claim)
    }
  }

  /// What lies where, as a GPU with this video memory sees it.
  private func bus(videoMemory: Range<UInt64>) -> DMABus {
    let addresses = tree.resolve(topology)
    let names = Dictionary(addresses.map { ($0.value, $0.key) }) { first, _ in first }
    var bars: [String: [Range<UInt64>]] = [:]
    for device in tree.devices {
      let ranges = device.bars.filter { $0.space != .io }.compactMap(\.range)
      if !ranges.isEmpty {
        bars[names[device.address] ?? device.address.description] = ranges
      }
    }
    return DMABus(
      bars: bars, memory: SystemMemory.ranges(size: topology.machine.memory.bytes),
      videoMemory: videoMemory)
  }
}
