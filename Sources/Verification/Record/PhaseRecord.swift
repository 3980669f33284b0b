// SPDX-License-Identifier: Apache-2.0

/// One phase of a case.
public struct PhaseRecord: Sendable, Hashable, Codable {
  /// Which phase.
  public var phase: Phase
  /// Where the data went, as the program claims.
  public var claim: Claim
  /// 0, or why the kernel refused.
  public var errno: Int32
  /// Bytes that were moved.
  public var bytes: UInt64
  /// Seconds that it took in the guest.
  public var seconds: Double
  /// Where the data went, as QEMU saw it.
  public var path: PathEvidence
  /// What is wrong with the bytes, explained; nil if nothing is.
  public var mismatch: String?

  /// The record of a phase.
  public init(report: PhaseReport, path: PathEvidence, mismatch: String? = nil) {
    phase = report.phase
    claim = report.claim
    errno = report.errno
    bytes = report.bytes
    seconds = Double(report.ns) / 1e9
    self.path = path
    self.mismatch = mismatch
  }
}
