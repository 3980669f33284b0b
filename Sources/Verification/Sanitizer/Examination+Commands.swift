// SPDX-License-Identifier: Apache-2.0

import CDeviceABI

/// Faults and fences.
extension Examination {
  /// Faults that are remembered for one address space; it has one at a time.
  private static let faultLimit = 4096

  func take(_ fault: AccessLog.Fault, _ index: Int, _ life: AddressSpaceLife) {
    life.lastActivity = log.entries[index].ns
    noteFault(fault, index, life)
    if !life.isStopped, life.unanswered.count < Self.faultLimit {
      life.unanswered[fault.sequence] = index
    }
  }

  func take(reply sequence: UInt64, _ index: Int, _ life: AddressSpaceLife?) {
    guard let life else { return }
    life.lastActivity = log.entries[index].ns
    guard life.unanswered.removeValue(forKey: sequence) == nil, !life.isStopped else { return }
    findings.add(.logDamaged, entries: [index]) {
      "The engine took an answer to fault \(sequence) of address space \(life.addressSpace), which "
        + "it had not raised or had an answer to."
    }
  }

  func take(fence: UInt64, _ index: Int, _ life: AddressSpaceLife?) {
    let space = log.entries[index].addressSpace
    guard let life else {
      return findings.add(.fenceOutOfOrder, entries: [index]) {
        "Fence \(fence) was signalled for address space \(space), which was not bound."
      }
    }
    life.lastActivity = log.entries[index].ns
    switch life.fences.signal(fence, entry: index) {
    case .next: break
    case .late:
      findings.add(.fenceOutOfOrder, entries: [index]) {
        "Fence \(fence) of address space \(space) was signalled after a later one."
      }
    case .repeated:
      findings.add(.fenceOutOfOrder, entries: [index]) {
        "Fence \(fence) of address space \(space) was signalled again, while "
          + "\(life.fences.highest) was the last one."
      }
    }
  }

  /// `badEntry`.
  func noteRefusal(_ error: UInt32, _ index: Int, _ space: UInt8) {
    findings.add(.badEntry, entries: [index]) {
      let whose =
        space == AccessLog.noAddressSpace ? "of no address space" : "of address space \(space)"
      return "The engine refused an entry \(whose) on a ring: error \(error)."
    }
  }

  /// `corruptPayload`.
  func notePayload(
    _ payload: AccessLog.Payload, _ fence: UInt64, _ index: Int, _ space: UInt8
  ) {
    if payload == .missing, expectsDigests {
      findings.add(.logDamaged, entries: [index]) {
        "Fence \(fence) of address space \(space) has no digests, which the engine was asked for."
      }
    }
    guard payload == .corrupt else { return }
    findings.add(.corruptPayload, entries: [index]) {
      "What the command of fence \(fence) of address space \(space) gave is not what it took: the "
        + "digests of its entry differ, or its result contradicts them."
    }
  }

  /// `unansweredFault`, at the end of a life.
  func finishFaults(of life: AddressSpaceLife) {
    for (sequence, index) in life.unanswered.sorted(by: { $0.value < $1.value }) {
      switch life.ending {
      case .unbind: continue
      case .reset where waited(since: log.entries[index].ns, life) < patience: continue
      case .reset, .endOfLog: break
      }
      let answer = life.trace?.answers[sequence]
      findings.add(
        .unansweredFault, entries: [index] + (life.end.map { [$0] } ?? []),
        events: answer.map { [$0] } ?? []
      ) {
        let end = life.ending == .reset ? "the reset" : "the end of the log"
        let who =
          if answer != nil {
            ": the driver says that it did, the engine never took the answer"
          } else {
            life.trace == nil ? "" : ", and the driver's trace has none either"
          }
        return "Fault \(sequence) of address space \(life.addressSpace) had no answer until "
          + "\(end)\(who)."
      }
    }
  }

  /// `lostFence`, at the end of a life.
  func finishFences(of life: AddressSpaceLife) {
    for gap in life.fences.skipped {
      let next = life.fences.signals.first { $0.fence == gap.upperBound }?.entry
      findings.add(.lostFence, entries: next.map { [$0] } ?? []) {
        gap.upperBound - gap.lowerBound == 1
          ? "Fence \(gap.lowerBound) of address space \(life.addressSpace) was never signalled, and "
            + "a later one was."
          : "Fences \(gap.lowerBound) to \(gap.upperBound - 1) of address space "
            + "\(life.addressSpace) were never signalled, and a later one was."
      }
    }
    guard life.ownsTrace, let trace = life.trace else { return }
    checkSignals(life, trace)
    checkHead(life, trace)
  }

  /// Each signal belongs to a command, and the driver sees it.
  private func checkSignals(_ life: AddressSpaceLife, _ trace: TracedLife) {
    let submitted = Dictionary(
      trace.submissions.map { ($0.fence, $0) }, uniquingKeysWith: { first, _ in first })
    let lastSeen = trace.completions.keys.max() ?? 0
    for signal in life.fences.signals {
      guard let submission = submitted[signal.fence] else {
        findings.add(.fenceOutOfOrder, entries: [signal.entry]) {
          "Fence \(signal.fence) of address space \(life.addressSpace) was signalled, but the driver "
            + "never submitted its command."
        }
        continue
      }
      let isRecent =
        life.ending != .endOfLog && waited(since: log.entries[signal.entry].ns, life) < patience
      if let seen = trace.completions[signal.fence] {
        guard life.ending == .reset, !isRecent, seen.status != 0,
          case .fence(_, status: 0, _) = log.entries[signal.entry].event
        else { continue }
        findings.add(
          .lostFence, entries: [signal.entry], events: [submission.entry, seen.entry]
        ) {
          "Fence \(signal.fence) of address space \(life.addressSpace) was signalled, but the driver "
            + "gave its command up."
        }
      } else if !isRecent || lastSeen > signal.fence {
        findings.add(.lostFence, entries: [signal.entry], events: [submission.entry]) {
          "Fence \(signal.fence) of address space \(life.addressSpace) was signalled, but the driver "
            + "never saw its command completed."
        }
      }
    }
  }

  /// The first command without a signal is the one that the engine had to be at; those behind it
  /// only wait.
  private func checkHead(_ life: AddressSpaceLife, _ trace: TracedLife) {
    let highest = life.fences.highest
    for submission in trace.submissions {
      guard submission.fence > highest, let seen = trace.completions[submission.fence],
        seen.status == 0
      else { continue }
      return findings.add(
        .lostFence, entries: [life.end ?? life.begin], events: [submission.entry, seen.entry]
      ) {
        "The driver saw fence \(submission.fence) of address space \(life.addressSpace) completed, "
          + "but the engine never signalled it."
      }
    }
    let head = trace.submissions.filter { $0.fence > highest }.min { $0.fence < $1.fence }
    // A command that waits for a fault is not lost.
    guard let head, !life.isStopped, life.unanswered.isEmpty else { return }
    if life.ending != .endOfLog {
      guard head.opcode != CROSSBAR_GPU_DELAY.rawValue,
        waited(since: life.lastActivity, life) >= patience,
        let end = end(of: trace, after: head.entry), waited(from: head.entry, to: end) >= patience
      else { return }
    }
    findings.add(
      .lostFence, entries: [life.end ?? life.begin], events: [head.entry]
    ) {
      "Fence \(head.fence) of address space \(life.addressSpace) was submitted, but never signalled."
    }
  }

  /// Nanoseconds of the host's clock up to the end of the life.
  private func waited(since ns: UInt64, _ life: AddressSpaceLife) -> UInt64 {
    guard let end = life.end, log.entries[end].ns > ns else { return 0 }
    return log.entries[end].ns - ns
  }

  /// Nanoseconds of the guest's clock between two trace entries.
  private func waited(from start: Int, to end: Int) -> UInt64 {
    let from = trace.entries[start].microseconds
    let to = trace.entries[end].microseconds
    guard to > from else { return 0 }
    let (product, overflow) = (to - from).multipliedReportingOverflow(by: 1000)
    return overflow ? .max : product
  }
}
