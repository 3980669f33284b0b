// SPDX-License-Identifier: Apache-2.0

import Foundation
import Topology

/// The outcome of one case, from all that is known of it.
struct CaseJudgement {
  let assessment: CaseAssessment
  let observation: CaseObservation
  let controllers: [String]
  let route: Route
  let evidence: [Phase: PathEvidence]
  let flaw: ProtocolViolation?

  /// Errors by which the kernel says that it has no route or no support: nothing was moved.
  private static let refusals: Set<Int32> = [EINVAL, EOPNOTSUPP, EREMOTEIO]

  private var peer: String { observation.header.peer }

  var outcome: CaseOutcome {
    guard let result = observation.result else {
      return .failed(.incomplete, "The case began, but has no end.")
    }
    if assessment.isInterrupted, case .fileMissing = flaw {
      return .brokeOff
    }
    if let flaw { return .failed(.protocolViolation, "The protocol was broken: \(flaw).") }
    if case .skipped(let reason) = result.status { return CaseOutcome(.skipped, nil, reason) }
    guard let direct = observation.phases[.direct], let fallback = observation.phases[.fallback]
    else {
      return .failed(.program, "The guest program failed the case early: \(programsReason).")
    }
    if let failure = wrongFallback(fallback) { return failure }
    if direct.errno != 0 { return refused(direct, result) }
    if let wrong = assessment.wrongBytes(of: direct, observation) {
      return wrongBytes(wrong.failure, wrong.explanation, direct)
    }
    if let contradiction = evidence[.direct]?.contradictionOfPeer(peer) {
      return .failed(.wrongPath, "The direct path claims the BAR of \(peer), but \(contradiction).")
    }
    guard route != .none else {
      return .failed(
        .unexpectedSuccess,
        "The topology expects no route to \(peer), but the direct path worked.")
    }
    return passed(result) ?? CaseOutcome(.verified)
  }

  private func wrongFallback(_ report: PhaseReport) -> CaseOutcome? {
    guard report.errno == 0 else {
      return .failed(.wrongFallback, "The page-cache path failed: \(Self.name(report.errno)).")
    }
    if let wrong = assessment.wrongBytes(of: report, observation) {
      return .failed(
        .wrongFallback, "The page-cache path gave wrong bytes: \(wrong.explanation).")
    }
    if let contradiction = evidence[.fallback]?.contradictionOfMemory {
      return .failed(.wrongPath, "The fallback claims system memory, but \(contradiction).")
    }
    return nil
  }

  private func refused(_ report: PhaseReport, _ result: CaseVerdictLine) -> CaseOutcome {
    let reason = Self.name(report.errno)
    guard Self.refusals.contains(report.errno) else {
      return .failed(
        .transferError,
        "The direct path was not refused, but ended with an error: \(reason).")
    }
    guard route == .none else {
      return .failed(
        .unexpectedRefusal,
        "The topology expects the route `\(route.rawValue)`, but the kernel refused: \(reason).")
    }
    // A copy may have read before its write was refused.
    if observation.header.op != .copy, let bytes = evidence[.direct]?.anyBAR[peer], bytes > 0 {
      return .failed(
        .wrongPath,
        "The kernel refused the direct path, but \(bytes) bytes moved through the BAR of \(peer).")
    }
    if let wrong = assessment.wrongBytes(of: report, observation) {
      return .failed(
        wrong.failure, "The kernel refused the direct path, and still \(wrong.explanation).")
    }
    return passed(result)
      ?? CaseOutcome(
        .refusedFellBack, nil, "The kernel refused the direct path, as expected: \(reason).")
  }

  private func wrongBytes(
    _ failure: CaseOutcome.Failure, _ wrong: String, _ report: PhaseReport
  ) -> CaseOutcome {
    let text = "The direct transfer of \(report.bytes) bytes reported success, but \(wrong)."
    let limit = controllers.lazy.compactMap { assessment.topology.limit(from: $0, to: peer) }.first
    guard failure == .silentCorruption, let limit, limit.outcome == .silentCorruption else {
      return .failed(failure, text)
    }
    guard let fault else {
      return .failed(
        failure,
        "\(text) The topology names this as a limit of the emulator (\(limit.reason)), but there is "
          + "no DMA fault that would prove it.")
    }
    let proven = "\(text) \(fault) Known limit: \(limit.reason)"
    return assessment.strict
      ? .failed(failure, proven) : CaseOutcome(.knownLimit, failure, proven)
  }

  /// The evidence that the IOMMU refused a DMA: in the phase, or at least in the run.
  private var fault: String? {
    let path = evidence[.direct] ?? PathEvidence()
    let lost = path.moved.untranslated
    let aside = lost > 0 ? " \(lost) bytes have addresses that it did not translate." : ""
    if path.faults > 0 {
      let count = path.faults == 1 ? "a DMA fault" : "\(path.faults) DMA faults"
      return "The vIOMMU reported \(count) meanwhile.\(aside)"
    }
    return assessment.consoleHasDMAFault ? "The guest's console reports a DMA fault.\(aside)" : nil
  }

  /// The failure of a case that only the guest program complains about.
  private func passed(_ result: CaseVerdictLine) -> CaseOutcome? {
    guard case .failed = result.status else { return nil }
    return .failed(.program, "The guest program failed the case: \(programsReason).")
  }

  private var programsReason: String {
    if let diagnostic = observation.diagnostic { return diagnostic }
    if case .failed(let reason) = observation.result?.status, !reason.isEmpty { return reason }
    return "it gave no reason, see ktap.log"
  }

  static func name(_ code: Int32) -> String {
    "\(String(cString: strerror(code))) (errno \(code))"
  }
}
