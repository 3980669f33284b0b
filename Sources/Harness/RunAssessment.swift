// SPDX-License-Identifier: Apache-2.0

import Artifacts
import Foundation
import Hypervisor
import PCIInspection
import Topology
import Verification

/// The verdict of a run, from everything that it left.
struct RunAssessment: Sendable {
  let request: RunRequest
  /// The cases that `--only` chose, by the host's account; nil without it.
  let chosen: [CaseCatalogue.Item]?
  let directory: RunDirectory
  let tree: PCITree
  let observations: [SuiteExecution.Observation]
  /// Why the trace of the GPU's driver is not whole.
  let traceFault: String?
  /// The number of the last entry of each GPU's access log, by topology id.
  let lastNumbers: [String: UInt64]
  let console: [ConsoleFinding]

  /// The record of the run, without its timings.
  func record(
    environment: RunRecord.Environment, kernel: KernelImage
  ) throws -> RunRecord {
    var cases: [CaseRecord] = []
    var faults: [String] = []
    let interruption = observations.lazy.compactMap(\.interruption).first
    let sanitizer = try sanitizerReports()
    // A run that broke off is a failure already.
    if let traceFault, !sanitizer.isEmpty, interruption == nil { faults.append(traceFault) }
    let bus = try BusMap(topology: request.topology, tree: tree)
    let needsTrace = observations.contains {
      $0.suite != .gpu && !$0.suite.isForeign
    }
    let trace = needsTrace ? NVMeTrace(log: try directory.content(of: .trace)) : NVMeTrace()
    for observation in observations {
      var own: [CaseRecord]
      switch observation.suite {
      case .gpu: own = try gpuCases(observation, sanitizer, nil, &faults)
      case .deviceMap:
        let account = DeviceMapAccount(
          topology: request.topology, bus: bus, trace: trace, path: request.path ?? .auto)
        own = try gpuCases(observation, sanitizer, account, &faults)
        faults += missingProof(in: own, observation)
      case .regression, .xfstests: own = observation.records
      case .p2pdma, .powerCut, .all: own = try transferCases(observation, bus, trace, &faults)
      }
      for index in own.indices { own[index].suite = observation.suite.rawValue }
      cases += own
    }
    if interruption == nil, let chosen { faults += CaseCatalogue.faults(in: cases, chosen: chosen) }
    return RunRecord(
      suite: request.suite.rawValue, topology: request.topology,
      topologyFile: request.topologyPath, strict: request.strict,
      options: request.options, cases: cases,
      interruption: interruption, faults: faults,
      timings: RunRecord.Timings(), environment: environment,
      kernel: RunRecord.Kernel(
        release: kernel.release, origin: kernel.origin, flavour: kernel.flavour),
      seeds: seeds, sanitizer: sanitizer,
      console: console.map {
        RunRecord.ConsoleReport(kind: $0.kind.rawValue, line: $0.line, text: $0.text)
      }, logs: logs)
  }

  /// The seed of each suite that has something random.
  private var seeds: [String: UInt64] {
    let suites = request.suite.members.filter(\.usesGPU).map(\.rawValue)
    return Dictionary(uniqueKeysWithValues: suites.map { ($0, request.effort.seed) })
  }

  /// What the DMA sanitizer says of the suites that had the GPUs work; nothing if there are none.
  private func sanitizerReports() throws -> [String: SanitizerReport] {
    let observations = observations.filter(\.suite.usesGPU)
    guard request.sanitizes, !observations.isEmpty else { return [:] }
    return try GPUSanitation(
      topology: request.topology, path: request.path ?? .auto, directory: directory, tree: tree,
      observations: observations, traceIsWhole: traceFault == nil, lastNumbers: lastNumbers
    ).reports()
  }

  /// What the suite `device-map` owes: cases that go direct wherever they can, or are to.
  private func missingProof(
    in cases: [CaseRecord], _ observation: SuiteExecution.Observation
  ) -> [String] {
    guard observation.interruption == nil else { return [] }
    return DeviceMapCoverage.faults(
      of: cases, topology: request.topology, path: request.path ?? .auto,
      isWhole: request.only.isEmpty)
  }

  /// The logs that the run has, by what they hold.
  private var logs: [String: String] {
    var logs = RunRecord.standardLogs
    guard request.tracesDriver else { return logs }
    logs["driver"] = RunDirectory.File.driverTrace.rawValue
    for gpu in request.topology.gpus {
      let path = directory.accessLogPath(gpu: gpu.id, of: request.topology)
      logs["DMA of \(gpu.id)"] = URL(filePath: path).lastPathComponent
    }
    return logs
  }

  /// The cases of NVMe peer-to-peer transfers.
  private func transferCases(
    _ observation: SuiteExecution.Observation, _ bus: BusMap, _ trace: NVMeTrace,
    _ faults: inout [String]
  ) throws -> [CaseRecord] {
    var assessment = CaseAssessment(
      topology: request.topology, bus: bus, trace: trace,
      consoleHasDMAFault: console.contains { $0.kind == .iommuFault }, strict: request.strict)
    assessment.isInterrupted = observation.interruption != nil
    return try compared(observation, &faults).map(assessment.record)
  }

  /// The cases of the peer GPU; those of the suite `device-map` with an account of their paths.
  private func gpuCases(
    _ observation: SuiteExecution.Observation, _ sanitizer: [String: SanitizerReport],
    _ account: DeviceMapAccount?, _ faults: inout [String]
  ) throws -> [CaseRecord] {
    let findings = sanitizer.values.flatMap(\.findings).filter {
      $0.suite == observation.suite.rawValue
    }
    let assessment = GPUCaseAssessment(
      topology: request.topology, findings: findings, deviceMap: account,
      isInterrupted: observation.interruption != nil)
    return try compared(observation, &faults).map { item in
      let window = observation.windows[item.header.n]
      if let complaint = window?.complaint(of: item.header.name) { faults.append(complaint) }
      let activity = item.gpu.flatMap { window?.activity($0) }
      return assessment.record(of: item, activity: activity)
    }
  }

  /// The cases with what the raw images say of their files.
  private func compared(
    _ observation: SuiteExecution.Observation, _ faults: inout [String]
  ) throws -> [CaseObservation] {
    var comparison = FileComparison(
      topology: request.topology, directory: directory, cases: observation.testimony.cases)
    for file in observation.testimony.files { try comparison.compare(file) }
    faults += comparison.faults
    return comparison.cases
  }
}
