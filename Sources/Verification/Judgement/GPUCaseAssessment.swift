// SPDX-License-Identifier: Apache-2.0

import Topology

/// Decides what one case of the peer GPU showed. The guest's program compares the bytes that the GPU
/// moved; the host compares the raw disk, counts what the device did, and has the DMA sanitizer.
public struct GPUCaseAssessment: Sendable {
  private let topology: Topology
  private let findings: [Int: [SanitizerFinding]]
  private let deviceMap: DeviceMapAccount?
  private let isInterrupted: Bool

  /// Prepares to assess the cases of one suite.
  ///
  /// - Parameters:
  ///   - topology: what was asked for.
  ///   - findings: what the DMA sanitizer found in the cases of this suite.
  ///   - deviceMap: what there is to hold claims about the path against, for the suite `device-map`.
  ///   - isInterrupted: the suite broke off: its program named no files.
  public init(
    topology: Topology, findings: [SanitizerFinding], deviceMap: DeviceMapAccount? = nil,
    isInterrupted: Bool = false
  ) {
    self.topology = topology
    self.findings = Dictionary(
      grouping: findings.filter { $0.caseNumber != nil }, by: { $0.caseNumber ?? 0 })
    self.deviceMap = deviceMap
    self.isInterrupted = isInterrupted
  }

  /// The record of a case.
  ///
  /// - Parameter activity: what the device did in it; nil if the case never got that far.
  public func record(of observation: CaseObservation, activity: GPUActivity?) -> CaseRecord {
    let header = observation.header
    var record = CaseRecord(
      number: header.n, name: header.name, volume: header.volume, peer: header.peer,
      operation: header.op, expectedRoute: .device, outcome: CaseOutcome(.verified))
    record.gpu = activity
    var flaw: ProtocolViolation?
    if let deviceMap, let activity {
      record.expectedRoute = deviceMap.route(of: header)
      let account = deviceMap.traffic(of: observation, activity)
      record.gpu?.files = account.traffic
      flaw = account.flaw
    }
    record.outcome = outcome(of: observation, record.gpu, flaw)
    return record
  }

  private func outcome(
    of observation: CaseObservation, _ activity: GPUActivity?, _ flaw: ProtocolViolation?
  ) -> CaseOutcome {
    guard let result = observation.result else {
      return .failed(.incomplete, "The case began, but has no end.")
    }
    if let violation = violation(in: observation) { return Self.broken(violation) }
    if let finding = findings[observation.header.n]?.first {
      let others = (findings[observation.header.n]?.count ?? 1) - 1
      let more = others > 0 ? " (and \(others) more in run.json)" : ""
      return .failed(.sanitizer, "\(finding.kind.rawValue): \(finding.sentence)\(more)")
    }
    if case .skipped(let reason) = result.status { return CaseOutcome(.skipped, nil, reason) }
    if case .failed(let reason) = result.status {
      let words = observation.diagnostic ?? (reason.isEmpty ? "it gave no reason" : reason)
      return .failed(.program, "The guest program failed the case: \(words).")
    }
    if let difference = observation.diskDifferences.values.sorted().first {
      return .failed(.wrongDisk, "The guest saw right bytes, but \(difference).")
    }
    guard let activity else {
      return Self.broken(.countsMissing(observation.header.n, what: "what the GPU did"))
    }
    if let flaw { return Self.broken(flaw) }
    if let failure = deviceMap?.failure(of: observation.header, activity) { return failure }
    return wrongPath(activity) ?? fileMissing(observation) ?? CaseOutcome(.verified)
  }

  /// What a case has left is compared with the raw image, or it has shown nothing of it.
  private func fileMissing(_ observation: CaseObservation) -> CaseOutcome? {
    guard observation.gpu?.leavesFile == true, !observation.comparedFiles.contains(.direct) else {
      return nil
    }
    return isInterrupted ? .brokeOff : Self.broken(.fileMissing(observation.header.n, .direct))
  }

  private static func broken(_ violation: ProtocolViolation) -> CaseOutcome {
    .failed(.protocolViolation, "The protocol was broken: \(violation).")
  }

  private func violation(in observation: CaseObservation) -> ProtocolViolation? {
    if let violation = observation.violations.first { return violation }
    let header = observation.header
    guard topology.gpus.contains(where: { $0.id == header.peer }) else {
      return .unknownDevice(header.n, kind: "GPU", id: header.peer)
    }
    guard header.volume.isEmpty || topology.controller(ofNamespace: header.volume) != nil else {
      return .unknownDevice(header.n, kind: "volume", id: header.volume)
    }
    if case .direct(let id) = observation.gpu?.claim, topology.cmb(of: id) == nil {
      return .unknownDevice(header.n, kind: "controller with a CMB", id: id)
    }
    return nil
  }

  /// A claim is also wrong if nothing moved where it says; what moved elsewhere is the sanitizer's.
  private func wrongPath(_ activity: GPUActivity) -> CaseOutcome? {
    let moved: UInt64? =
      switch activity.claim {
      // A case of files that are refused may move nothing at all.
      case .memory: deviceMap == nil ? activity.bytes(by: "memory") : nil
      case .video: activity.bytes(by: "video")
      case .direct: activity.barBytes
      case .mixed: nil
      }
    guard moved == 0 else { return nil }
    return .failed(
      .wrongPath, "The case claims \(activity.claim), but the GPU moved no byte there.")
  }
}

extension Topology {
  /// The Controller Memory Buffer of a controller; nil if it has none, or is none.
  fileprivate func cmb(of id: String) -> ByteCount? { nvme.first { $0.id == id }?.cmb }
}
