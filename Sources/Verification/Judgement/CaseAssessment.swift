// SPDX-License-Identifier: Apache-2.0

import Foundation
import Topology

/// Decides what one case showed. Nothing that the guest says is taken for its own proof: the bytes are
/// also compared by the host, and the path is QEMU's account.
public struct CaseAssessment: Sendable {
  /// What was asked for.
  public let topology: Topology
  /// Whether the guest's console reports a DMA that the IOMMU refused.
  public let consoleHasDMAFault: Bool
  /// Whether known limits are failures.
  public let strict: Bool
  /// The suite broke off: the files that its cases wrote were not reported any more.
  public var isInterrupted = false
  let inspector: PathInspector

  /// Prepares to assess the cases of one run.
  ///
  /// - Parameters:
  ///   - topology: what was asked for.
  ///   - bus: where things are on the guest's bus.
  ///   - trace: what the controllers did.
  ///   - consoleHasDMAFault: whether the guest's console reports a DMA that the IOMMU refused.
  ///   - strict: whether known limits are failures.
  public init(
    topology: Topology, bus: BusMap, trace: NVMeTrace, consoleHasDMAFault: Bool, strict: Bool
  ) {
    self.topology = topology
    self.consoleHasDMAFault = consoleHasDMAFault
    self.strict = strict
    var controllers: [UInt32: String] = [:]
    for controller in topology.nvme {
      for namespace in controller.namespaces { controllers[namespace.nsid] = controller.id }
    }
    inspector = PathInspector(
      trace: trace, bus: bus, controllers: controllers,
      hasIOMMU: topology.machine.iommu != .none)
  }

  /// The record of a case.
  public func record(of observation: CaseObservation) -> CaseRecord {
    let header = observation.header
    let controllers = takingPart(in: observation)
    let route = weakestRoute(from: controllers, to: header.peer)
    var record = CaseRecord(
      number: header.n, name: header.name, volume: header.volume, peer: header.peer,
      operation: header.op, expectedRoute: route, outcome: CaseOutcome(.verified))
    var evidence: [Phase: PathEvidence] = [:]
    var flaw: ProtocolViolation?
    for report in observation.phases.values.sorted(by: { $0.phase.order < $1.phase.order }) {
      do {
        evidence[report.phase] = try inspector.evidence(of: report, peer: header.peer)
      } catch {
        flaw = flaw ?? error
      }
      record.phases.append(
        PhaseRecord(
          report: report, path: evidence[report.phase] ?? PathEvidence(),
          mismatch: wrongBytes(of: report, observation)?.explanation))
    }
    record.outcome =
      CaseJudgement(
        assessment: self, observation: observation, controllers: controllers, route: route,
        evidence: evidence, flaw: flaw ?? violation(in: observation)
      ).outcome
    return record
  }

  /// What breaks the protocol in what the program said of the case.
  private func violation(in observation: CaseObservation) -> ProtocolViolation? {
    if let violation = observation.violations.first { return violation }
    let header = observation.header
    if topology.controller(ofNamespace: header.volume) == nil {
      return .unknownDevice(header.n, kind: "volume", id: header.volume)
    }
    if !topology.peerMemory.contains(header.peer) {
      return .unknownDevice(header.n, kind: "peer", id: header.peer)
    }
    if inspector.trace.isTruncated { return .traceTruncated }
    let (direct, fallback) = (observation.phases[.direct], observation.phases[.fallback])
    for report in [direct, fallback].compactMap(\.self)
    where report.claim != (report.phase == .direct ? .peer : .memory) {
      return .wrongClaim(header.n, report.phase, report.claim)
    }
    for report in [direct, fallback].compactMap(\.self) where report.errno == 0 {
      if let violation = missingProof(of: report, in: observation) { return violation }
    }
    guard let direct, let fallback else { return nil }
    if direct.errno != 0 {
      return direct.transfers.isEmpty ? nil : .refusedWithTransfers(header.n)
    }
    guard fallback.errno == 0 else { return nil }
    if direct.bytes != fallback.bytes {
      return .bytesDiffer(header.n, direct: direct.bytes, fallback: fallback.bytes)
    }
    if direct.transferredBytes == 0, fallback.transferredBytes > 0 {
      return .directMovedNothing(header.n, fallbackBytes: fallback.transferredBytes)
    }
    if header.op == .read, direct.transfers != fallback.transfers {
      return .transfersDiffer(header.n)
    }
    return nil
  }

  /// What a phase that moved bytes owes the host: a look at the peer's memory, the blocks of all of
  /// its bytes, and the file that it wrote.
  private func missingProof(
    of report: PhaseReport, in observation: CaseObservation
  ) -> ProtocolViolation? {
    let header = observation.header
    if topology.gpus.contains(where: { $0.id == header.peer }) {
      let inspected = observation.inspected[report.phase] ?? 0
      guard inspected >= report.bytes else {
        return .notInspected(
          header.n, report.phase, inspected: inspected, bytes: report.bytes)
      }
      // Holes and unwritten extents have no blocks; the host saw that there are zeros.
      let blocks =
        report.bytes
        &- min(
          report.bytes, observation.inspectedZeros[report.phase] ?? 0)
      guard report.transferredBytes >= blocks else {
        return .blocksMissing(
          header.n, report.phase, listed: report.transferredBytes, bytes: report.bytes)
      }
    } else if report.transferredBytes == 0, report.bytes > 0 {
      // Nobody but the guest can look into a controller's memory, and so tell how much of it is
      // zeros of holes; all of it never is.
      return .blocksMissing(header.n, report.phase, listed: 0, bytes: report.bytes)
    }
    guard header.op != .read else { return nil }
    let written = report.transfers.filter { $0.direction == .write }
      .reduce(0) { $0 &+ $1.bytes }
    guard written >= report.bytes else {
      return .blocksMissing(header.n, report.phase, listed: written, bytes: report.bytes)
    }
    return observation.comparedFiles.contains(report.phase)
      ? nil : .fileMissing(header.n, report.phase)
  }

  /// Ids of the controllers whose DMA the case needs: of its volume, and of whatever it names.
  private func takingPart(in observation: CaseObservation) -> [String] {
    let named = observation.phases.values.flatMap(\.transfers).map(\.nsid)
    let other = observation.header.name.components(separatedBy: "-to-").dropFirst().last
    var ids = [observation.header.volume, other].compactMap { $0 }
      .compactMap { topology.controller(ofNamespace: $0)?.id }
    for id in Set(named).sorted().compactMap({ inspector.controllers[$0] }) { ids.append(id) }
    var seen: Set<String> = []
    return ids.filter { seen.insert($0).inserted }
  }

  private func weakestRoute(from controllers: [String], to peer: String) -> Route {
    let routes = controllers.map { topology.route(from: $0, to: peer) }
    if routes.contains(Route.none) { return Route.none }
    return routes.first { $0 != .device } ?? routes.first ?? Route.none
  }

  /// What is wrong with the bytes of a phase, by whoever saw it; the host's explanation comes first,
  /// since it compares everything.
  func wrongBytes(
    of report: PhaseReport, _ observation: CaseObservation
  ) -> (failure: CaseOutcome.Failure, explanation: String)? {
    let guest = report.mismatch?.description
    let isCorruption = guest != nil
    if let difference = observation.hostDifferences[report.phase] {
      return (isCorruption ? .silentCorruption : .hostViewDiffers, difference)
    }
    if let difference = observation.diskDifferences[report.phase] {
      return (isCorruption ? .silentCorruption : .wrongDisk, difference)
    }
    return guest.map { (.silentCorruption, $0) }
  }
}
