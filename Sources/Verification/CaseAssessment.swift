// SPDX-License-Identifier: Apache-2.0

import Glibc
import Topology

/// Decides what one case showed. Nothing that the guest says is taken for its own proof: the bytes are
/// also compared by the host, and the path is QEMU's account.
public struct CaseAssessment: Sendable {
  /// What is known of a case when the guest is gone.
  public struct Observation: Sendable {
    /// What the case is.
    public var header: CaseHeader
    /// What the program reported of its phases.
    public var phases: [Phase: PhaseReport] = [:]
    /// What differs in the host's view of peer memory, explained.
    public var hostDifferences: [Phase: String] = [:]
    /// What differs in the raw image, explained.
    public var diskDifferences: [Phase: String] = [:]
    /// The program's own result.
    public var result: CaseVerdictLine?

    /// A case that has begun.
    public init(header: CaseHeader) {
      self.header = header
    }
  }

  /// What was asked for.
  public var topology: Topology
  /// Where things are on the guest's bus.
  public var bus: BusMap
  /// What the controllers did.
  public var trace: NVMeTrace
  /// Whether the guest's console reports a DMA that the IOMMU refused.
  public var consoleHasDMAFault: Bool
  /// Whether known limits are failures.
  public var strict: Bool

  /// Prepares to assess the cases of one run.
  public init(
    topology: Topology, bus: BusMap, trace: NVMeTrace, consoleHasDMAFault: Bool, strict: Bool
  ) {
    self.topology = topology
    self.bus = bus
    self.trace = trace
    self.consoleHasDMAFault = consoleHasDMAFault
    self.strict = strict
  }

  /// The record of a case.
  public func record(of observation: Observation) -> CaseRecord {
    var record = CaseRecord(
      name: observation.header.name, volume: observation.header.volume,
      peer: observation.header.peer, operation: observation.header.op,
      expectedRoute: expectedRoute(of: observation.header),
      outcome: CaseOutcome(.verified))
    do {
      var evidence: [Phase: PathEvidence] = [:]
      for (phase, report) in observation.phases {
        let path = try self.evidence(of: report)
        evidence[phase] = path
        record.phases.append(PhaseRecord(report: report, path: path))
      }
      record.phases.sort { $0.phase.rawValue < $1.phase.rawValue }
      record.outcome = outcome(of: observation, route: record.expectedRoute, evidence)
    } catch {
      record.outcome = .failed(.program, "The guest program broke the protocol: \(error).")
    }
    return record
  }

  private func evidence(of report: PhaseReport) throws(ProtocolViolation) -> PathEvidence {
    let key = NVMeTrace.PhaseKey(report.n, report.phase)
    guard let window = trace.windows[key], window.isClosed else {
      throw ProtocolViolation("QEMU's trace has no markers of the \(report.phase.rawValue) phase")
    }
    return try PathEvidence(window: window, transfers: report.transfers, bus: bus)
  }

  /// The weakest route of the controllers that take part.
  private func expectedRoute(of header: CaseHeader) -> Route {
    var volumes = [header.volume]
    if header.op == .copy, let range = header.name.range(of: "copy-to-") {
      volumes.append(String(header.name[range.upperBound...]))
    }
    let routes = volumes.compactMap(topology.controller(ofNamespace:))
      .map { topology.route(from: $0.id, to: header.peer) }
    if routes.contains(.none) { return .none }
    return routes.first { $0 != .device } ?? routes.first ?? .none
  }

  private func outcome(
    of observation: Observation, route: Route, _ evidence: [Phase: PathEvidence]
  ) -> CaseOutcome {
    if let reason = observation.result?.skipReason { return CaseOutcome(.skipped, nil, reason) }
    guard let direct = observation.phases[.direct], let fallback = observation.phases[.fallback],
      let result = observation.result
    else { return .failed(.incomplete, "The case began, but has no end.") }

    if let failure = wrongFallback(fallback, observation, evidence[.fallback]) { return failure }
    guard direct.errno == 0 else {
      return refusal(direct, route: route, evidence[.direct] ?? PathEvidence())
    }
    if let wrong = wrongBytes(direct, .direct, observation) {
      return corruption(wrong, of: direct, in: observation.header)
    }
    let peer = observation.header.peer
    if let contradiction = evidence[.direct]?.contradiction(of: direct.claim, peer: peer) {
      return .failed(
        .wrongPath, "The direct path claims the BAR of \(peer), but \(contradiction).")
    }
    guard direct.claim == .peer else {
      return .failed(.wrongPath, "The direct path does not even claim to be peer to peer.")
    }
    guard route != .none else {
      return .failed(
        .unexpectedSuccess,
        "The topology expects no route to \(peer), but the transfer was allowed.")
    }
    guard result.passed else {
      return .failed(.program, "The guest program failed the case for a reason of its own.")
    }
    return CaseOutcome(.verified)
  }

  private func wrongFallback(
    _ report: PhaseReport, _ observation: Observation, _ evidence: PathEvidence?
  ) -> CaseOutcome? {
    guard report.errno == 0 else {
      return .failed(.wrongFallback, "The page-cache path failed: \(Self.name(report.errno)).")
    }
    if let wrong = wrongBytes(report, .fallback, observation) {
      return .failed(.wrongFallback, "The page-cache path gave wrong bytes: \(wrong)")
    }
    let peer = observation.header.peer
    if let contradiction = evidence?.contradiction(of: .memory, peer: peer) {
      return .failed(
        .wrongPath, "The fallback claims system memory, but \(contradiction).")
    }
    return nil
  }

  /// What is wrong with the bytes of a phase, by whoever saw it; the host's explanation comes first.
  private func wrongBytes(
    _ report: PhaseReport, _ phase: Phase, _ observation: Observation
  ) -> String? {
    if let difference = observation.hostDifferences[phase] { return difference }
    if let difference = observation.diskDifferences[phase] { return difference }
    guard let mismatch = report.mismatch else { return nil }
    let found = mismatch.found.map { ", found \($0.prefix(64))" } ?? ""
    let expected = mismatch.expected.map { ": expected \($0.prefix(80))" } ?? ""
    return "the guest saw wrong content at file offset \(mismatch.at)\(expected)\(found)."
  }

  private func refusal(
    _ report: PhaseReport, route: Route, _ evidence: PathEvidence
  ) -> CaseOutcome {
    let reason = Self.name(report.errno)
    guard route == .none else {
      return .failed(
        .unexpectedRefusal,
        "The topology expects the route `\(route.rawValue)`, but the kernel refused: \(reason).")
    }
    return CaseOutcome(
      .refusedFellBack, nil, "The kernel refused the direct path, as expected: \(reason).")
  }

  private func corruption(
    _ wrong: String, of report: PhaseReport, in header: CaseHeader
  ) -> CaseOutcome {
    let text = "The transfer of \(report.bytes) bytes reported success: \(wrong)"
    let limit = topology.controller(ofNamespace: header.volume)
      .flatMap { topology.limit(from: $0.id, to: header.peer) }
    guard let limit, limit.outcome == .silentCorruption, consoleHasDMAFault, !strict else {
      return .failed(.silentCorruption, text)
    }
    return CaseOutcome(
      .knownLimit, .silentCorruption,
      "\(text) The IOMMU reported a DMA fault. Known limit: \(limit.reason)")
  }

  private static func name(_ code: Int32) -> String {
    "\(String(cString: strerror(code))) (errno \(code))"
  }
}
