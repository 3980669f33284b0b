// SPDX-License-Identifier: Apache-2.0

/// Holds what the GPU's engine did (the access log) against what its driver told it to do (the
/// tracepoints), and against the claims of the cases.
///
/// The two have no clock in common. They are joined by address space, by map generation, by fence
/// and by the number of a fault; the k-th BIND of an address space in the log is its k-th
/// `ivgpu_bind`. A page-table entry carries its generation modulo 4096: of the generations that it
/// may stand for, none is more than 2048 ahead of the newest one that the engine has acknowledged the
/// end of, since the control ring holds 64 requests.
///
/// The rules:
///
/// - `useAfterRevoke`: an access through a mapping whose invalidation was acknowledged before, that
///   is, one with a generation that is not newer; or an access of an address space that is not bound.
///   With the driver's trace, the mapping is the one that it made of that page. Without, an access
///   counts if its generation can't be a newer one.
/// - `lateAcknowledgment`: the same, but the engine forgot the mapping afterwards, with no other
///   invalidation of these pages between: it faulted on a page that it had used so, or used a newer
///   mapping of it. So it acknowledged first and did the work later. If the page is never touched
///   again, the two can't be told apart, and it is `useAfterRevoke`. An access that began before the
///   acknowledgment and ended after it can't be seen: the log has no ends of accesses.
/// - `strayAccess`: no port took the access; or what its port reached is neither system memory nor a
///   BAR, or not that port's; or the driver never mapped this page with this generation, or to
///   another frame, or only for reading while it was written.
/// - `wrongPath`: the bytes lie in system memory, video memory or a BAR, while the case claims
///   another one; or in a BAR in which no file of the case can be; or they went by a port that can't
///   serve what it claims.
/// - `leakedMapping`: the driver maps a page of an address space after its `ivgpu_unbind`; the engine
///   uses a mapping of an address space's former life. UNBIND ends what is mapped. Or a page is
///   mapped and never given back, or an address space never unbound.
/// - `wrongRelease`: the driver gave a page back (`ivgpu_unmap`) before the engine had acknowledged an
///   invalidation of it or the address space's UNBIND, and without a reset; or a page that was not
///   mapped. The engine's end of the control ring, which the event has, says what it had
///   acknowledged then.
/// - `unansweredFault`: a fault without a reply at the end of the log, or when a reset came later than
///   `patience`. UNBIND, errors and prompt resets forget faults.
/// - `lostFence`: a fence that the engine left out; or the driver's first fence without a signal, at
///   the end of the log or if the engine did nothing for it for longer than `patience` before the
///   address space ended (a DELAY excepted); or a signal that the driver did not see, unless the
///   address space ended within `patience` after it.
/// - `fenceOutOfOrder`: a fence that is signalled twice, after a later one, before the last access of
///   its command, for an address space that is not bound, or for a command that was never submitted.
/// - `badEntry`: the engine refused an entry of a ring or a page table (`enum crossbar_gpu_error`). No
///   program can bring that about, so the driver broke the rules; or the host had no thread left for an
///   engine.
/// - `corruptPayload`: a command that succeeded gave other bytes than it took: the two digests of a
///   COPY or a FILL differ; the result of a CRC32C is not the digest of what it took; a COMPARE says
///   that its ranges are equal and their digests differ, or the reverse. The
///   digests are computed where data enter and leave the engine's buffer: this is about what the engine
///   does in between, as a guard tag is about a link; memory itself is the programs' to compare.
/// - `logDamaged`: lines that can't be read, numbers that are missing or come twice, entries that
///   contradict each other, events of the driver that can't be read.
///
/// A rule that needs everything is not applied where something is missing (events that the kernel
/// lost, a log that is damaged); the report states that as a limitation, and the run is not verified.
///
/// Time: O(N log M) for N log lines and M trace events, and about 100 bytes a line.
public struct DMASanitizer: Sendable {
  /// What the engine did.
  public var log: AccessLog
  /// What the driver did; nil when there is no trace.
  public var trace: DriverTrace?
  /// What lies where.
  public var bus: DMABus
  /// The cases; their entries do not overlap.
  public var windows: [AccessWindow]
  /// Nanoseconds within which driver and engine hear of each other.
  public var patience: UInt64 = 1_000_000_000
  /// The number of the last entry that the engine has made; nil if nobody knows.
  public var lastNumber: UInt64?
  /// All programs have ended, and every address space with them.
  public var expectsUnbinding = false
  /// The engine was asked for digests of the commands' payload.
  public var expectsDigests = false

  /// Names what is to be looked at.
  public init(log: AccessLog, trace: DriverTrace?, bus: DMABus, windows: [AccessWindow]) {
    self.log = log
    self.trace = trace
    self.bus = bus
    self.windows = windows
  }

  /// Looks at everything.
  public func report() -> SanitizerReport {
    let examination = Examination(self)
    examination.run()
    return examination.report
  }
}
