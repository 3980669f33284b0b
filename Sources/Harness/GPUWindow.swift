// SPDX-License-Identifier: Apache-2.0

import PeerGPU
import Verification

/// The counters of a GPU before and after the commands of one case.
struct GPUWindow: Sendable {
  /// Topology id of the GPU.
  let gpu: String
  /// Before.
  let begin: GPUCounters
  /// After; nil while the commands run, and for good if the case did not come to its end.
  var end: GPUCounters? {
    didSet { endMemory = memory() }
  }
  /// This process's memory, in bytes.
  private let memory: @Sendable () -> UInt64?
  /// The same before and after.
  private let beginMemory: UInt64?
  private var endMemory: UInt64?

  /// Bytes by which this process may grow during a case, besides what a slow disk keeps waiting. The
  /// allocator keeps some 25 MiB for threads that came and went.
  static let growthLimit: Int64 = 48 << 20

  init(
    gpu: String, begin: GPUCounters, end: GPUCounters? = nil,
    memory: @escaping @Sendable () -> UInt64? = { ProcessMemory.anonymous }
  ) {
    self.gpu = gpu
    self.begin = begin
    self.end = end
    self.memory = memory
    beginMemory = memory()
  }

  /// Bytes by which this process grew during the case, besides what the access log keeps of its lines;
  /// nil if that is not known.
  var growth: Int64? {
    guard let end, let beginMemory, let endMemory else { return nil }
    return Int64(clamping: endMemory) - Int64(clamping: beginMemory)
      - Int64(clamping: end.heldByLog) + Int64(clamping: begin.heldByLog)
  }

  /// Says that this process grew by more than it may.
  func complaint(of name: String) -> String? {
    guard let growth, growth > Self.growthLimit else { return nil }
    return """
      While \(name) ran, crossbar's process grew by \(growth >> 20) MiB, of \
      \(Self.growthLimit >> 20) MiB that are allowed: it leaks memory.
      """
  }

  /// The lines of the access log that belong to the case; up to its end if the case has none.
  var entries: Range<UInt64> {
    let first = begin.lastLogNumber &+ 1
    let end = end.map { $0.lastLogNumber &+ 1 } ?? UInt64.max
    return first..<max(first, end)
  }

  /// What the device did between the two.
  func activity(_ observation: GPUObservation) -> GPUActivity {
    let end = end ?? begin
    var bytes: [String: UInt64] = [:]
    for (port, now) in end.bytes {
      let before = begin.bytes[port]
      let moved =
        now.read &+ now.written &- (before?.read ?? 0) &- (before?.written ?? 0)
      if moved > 0 { bytes[port] = moved }
    }
    return GPUActivity(
      claim: observation.claim, commands: end.commands &- begin.commands,
      faults: end.faults &- begin.faults, aborts: observation.counts?.aborts ?? 0,
      doorbells: end.doorbells &- begin.doorbells, interrupts: end.interrupts &- begin.interrupts,
      invalidations: end.invalidations &- begin.invalidations,
      resets: end.resets &- begin.resets, bytes: bytes, hostGrowth: growth)
  }
}
