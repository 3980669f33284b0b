// SPDX-License-Identifier: Apache-2.0

/// How a phase went, as the guest saw it.
public struct PhaseReport: Hashable, Sendable {
  /// Number of the case.
  public var n: Int
  /// Which phase.
  public var phase: Phase
  /// 0, or the error number with which the kernel refused.
  public var errno: Int32
  /// Bytes moved.
  public var bytes: UInt64
  /// Nanoseconds that it took.
  public var ns: UInt64
  /// Where the data addresses lie.
  public var claim: Claim
  /// The blocks that had to move.
  public var transfers: [Transfer]
  /// The first wrong bytes that the guest saw.
  public var mismatch: GuestMismatch?

  /// A phase's report.
  public init(
    n: Int, phase: Phase, errno: Int32 = 0, bytes: UInt64, ns: UInt64, claim: Claim,
    transfers: [Transfer], mismatch: GuestMismatch? = nil
  ) {
    self.n = n
    self.phase = phase
    self.errno = errno
    self.bytes = bytes
    self.ns = ns
    self.claim = claim
    self.transfers = transfers
    self.mismatch = mismatch
  }

  /// Bytes of the blocks that had to move.
  public var transferredBytes: UInt64 { transfers.reduce(0) { $0 &+ $1.bytes } }
}
