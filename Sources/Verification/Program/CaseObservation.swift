// SPDX-License-Identifier: Apache-2.0

/// All that was seen of one case, by the guest and by the host.
public struct CaseObservation: Hashable, Sendable {
  /// What the case does.
  public var header: CaseHeader
  /// The phases that ended.
  public var phases: [Phase: PhaseReport] = [:]
  /// Its result; nil when the program ended before.
  public var result: CaseVerdictLine?
  /// Bytes of a phase that the host was asked to compare in the peer's memory, poison aside.
  public var inspected: [Phase: UInt64] = [:]
  /// Of them, those that no block of a disk holds.
  public var inspectedZeros: [Phase: UInt64] = [:]
  /// Phases whose file the host has compared with the raw disk image.
  public var comparedFiles: Set<Phase> = []
  /// What it had the peer GPU do, if it did.
  public var gpu: GPUObservation?
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

/// What a case had the peer GPU do, as the guest says it.
public struct GPUObservation: Hashable, Sendable {
  /// Where its DMA is to go.
  public var claim: DMAClaim
  /// The faults that the case had the host inject, in their order.
  public var injections: [String] = []
  /// What the driver counted; nil until the end.
  public var counts: GPUCounts?
  /// It says that it leaves a file of its name.
  public var leavesFile = false

  /// A case whose commands begin.
  public init(claim: DMAClaim, counts: GPUCounts? = nil) {
    self.claim = claim
    self.counts = counts
  }
}
