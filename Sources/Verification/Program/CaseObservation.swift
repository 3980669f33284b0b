// SPDX-License-Identifier: Apache-2.0

/// All that was seen of one case, by the guest and by the host.
public struct CaseObservation: Hashable, Sendable {
  /// What the case does.
  public var header: CaseHeader
  /// The phases that ended.
  public var phases: [Phase: PhaseReport] = [:]
  /// Its result; nil when the program ended before.
  public var result: CaseVerdictLine?
  /// Why it failed, in the guest's words: the diagnostic line that names the case.
  public var diagnostic: String?
  /// What differs in the host's own view of the peer's memory after a phase, as sentences.
  public var hostDifferences: [Phase: String] = [:]
  /// What differs on the raw disk image in the file that a phase wrote, as sentences.
  public var diskDifferences: [Phase: String] = [:]
  /// Where the program did not keep to the protocol in this case.
  public var violations: [ProtocolViolation] = []

  /// A case of which nothing but its beginning has been seen.
  public init(header: CaseHeader) {
    self.header = header
  }
}
