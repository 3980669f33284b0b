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
  var end: GPUCounters?

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
      resets: end.resets &- begin.resets, bytes: bytes)
  }
}
