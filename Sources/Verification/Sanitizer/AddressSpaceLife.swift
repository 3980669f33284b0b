// SPDX-License-Identifier: Apache-2.0

/// An address space from the acknowledgment of its BIND to that of its UNBIND, or to a reset, as the
/// access log has it. Numbers of address spaces are used again: a number has many lives.
final class AddressSpaceLife {
  /// How a life ends.
  enum Ending: Hashable {
    case unbind
    case reset
    case endOfLog
  }

  let addressSpace: UInt8
  /// Index of the log entry with which it begins.
  let begin: Int
  /// Index of the entry with which it ends; nil at the end of the log.
  var end: Int?
  var ending = Ending.endOfLog
  /// The life before was ended by a reset, and this is the same open file.
  weak var continues: AddressSpaceLife?
  /// Indices of the invalidations that were acknowledged in it.
  var invalidations: [Int] = []

  /// The driver's account of it; nil if that cannot be told.
  var trace: TracedLife?
  /// The driver's account covers this life only.
  var ownsTrace = false

  /// What has been ended so far.
  var revoked = RevokedRanges([])
  /// The newest generation that was ended so far.
  var newestRevoked: UInt64 = 0
  /// Uses of what had been ended; it is not known yet whether the engine dropped it at last.
  var stale: [StaleUse] = []
  /// The fences that were signalled.
  var fences = SignalledFences()
  /// Faults without an answer: indices of log entries by sequence number.
  var unanswered: [UInt64: Int] = [:]
  /// The engine has stopped it for an error.
  var isStopped = false
  /// When the engine last did something for it, in nanoseconds.
  var lastActivity: UInt64

  init(addressSpace: UInt8, begin: Int, at ns: UInt64) {
    self.addressSpace = addressSpace
    self.begin = begin
    lastActivity = ns
  }

  /// The lives of a log in the order in which they begin, and those entries that contradict it.
  static func lives(
    of log: AccessLog
  ) -> (lives: [AddressSpaceLife], contradictions: [(entry: Int, sentence: String)]) {
    var lives: [AddressSpaceLife] = []
    var open: [UInt8: AddressSpaceLife] = [:]
    var last: [UInt8: AddressSpaceLife] = [:]
    var contradictions: [(entry: Int, sentence: String)] = []
    for (index, entry) in log.entries.enumerated() {
      let space = entry.addressSpace
      switch entry.event {
      case .bind:
        if let life = open[space] {
          contradictions.append((index, "Address space \(space) is bound while it is bound."))
          life.end = index
          life.ending = .unbind
        }
        let life = AddressSpaceLife(addressSpace: space, begin: index, at: entry.ns)
        if let before = last[space], before.ending == .reset { life.continues = before }
        lives.append(life)
        open[space] = life
        last[space] = life
      case .unbind:
        if let life = open.removeValue(forKey: space) {
          life.end = index
          life.ending = .unbind
        } else if last[space]?.ending != .reset {
          contradictions.append((index, "Address space \(space) is unbound while it is not bound."))
        }
      case .reset:
        for life in open.values {
          life.end = index
          life.ending = .reset
        }
        open = [:]
      case .invalidation: open[space]?.invalidations.append(index)
      case .access, .fault, .reply, .fence, .error: break
      }
    }
    return (lives, contradictions)
  }
}

/// An address space from `ivgpu_bind` to `ivgpu_unbind`, as the driver's trace has it.
final class TracedLife {
  /// A command that the driver submitted.
  struct Submission: Hashable {
    var fence: UInt64
    var opcode: UInt32
    /// Index of the trace entry.
    var entry: Int
  }

  /// Index of the `ivgpu_bind`.
  let begin: Int
  /// Index of the `ivgpu_unbind`, if there is one.
  var end: Int?
  /// A reset came between the request to bind and its acknowledgment: the engine may not know of it.
  private(set) var isAborted = false
  var maps: [(entry: Int, map: DriverTrace.Map)] = []
  /// Maps that came when the address space was gone.
  var lateMaps: [Int] = []
  var invalidations: [AccessLog.Invalidation] = []
  var submissions: [Submission] = []
  /// Status and trace entry of what the driver saw completed, by fence.
  var completions: [UInt64: (status: UInt32, entry: Int)] = [:]
  /// Trace entries of the answers to faults, by sequence number.
  var answers: [UInt64: Int] = [:]
  /// The life of the same address space before; the array of all lives keeps it.
  private(set) weak var predecessor: TracedLife?

  private(set) lazy var mappings = MappingIndex(maps)

  init(begin: Int, predecessor: TracedLife?) {
    self.begin = begin
    self.predecessor = predecessor
  }

  /// The lives of a trace, by address space, and how many events come before a space's first bind.
  static func lives(of trace: DriverTrace) -> (lives: [UInt8: [TracedLife]], early: [UInt8: Int]) {
    var lives: [UInt8: [TracedLife]] = [:]
    var last: [UInt8: TracedLife] = [:]
    var early: [UInt8: Int] = [:]
    for (index, entry) in trace.entries.enumerated() {
      let space = entry.addressSpace
      if case .bind = entry.event {
        let life = TracedLife(begin: index, predecessor: last[space])
        lives[space, default: []].append(life)
        last[space] = life
      } else if let life = last[space] {
        life.take(entry.event, at: index)
      } else if space != AccessLog.noAddressSpace {
        early[space, default: 0] += 1
      }
    }
    return (lives, early)
  }

  private func take(_ event: DriverTrace.Event, at index: Int) {
    switch event {
    case .unbind(let error, _):
      if end == nil, error != 0, maps.isEmpty, submissions.isEmpty { isAborted = true }
      end = end ?? index
    case .map(let map):
      if end == nil { maps.append((index, map)) } else { lateMaps.append(index) }
    case .invalidation(let invalidation): invalidations.append(invalidation)
    case .fault(let sequence, _, _): answers[sequence] = index
    case .submit(let fence, let opcode):
      submissions.append(Submission(fence: fence, opcode: opcode, entry: index))
    case .complete(let fence, let status): completions[fence] = (status, index)
    case .bind, .unmap, .reset, .die: break
    }
  }
}
