// SPDX-License-Identifier: Apache-2.0

/// A guest program, or the trace that watches it, does not keep to the protocol.
public enum ProtocolViolation: Error, Hashable, Sendable {
  /// A line cannot be read; why.
  case malformed(String)
  /// A line of the program's output cannot be read.
  case malformedLine(line: Int, reason: String)
  /// A case begins before the plan says how many there are.
  case planMissing
  /// A second plan differs from the first.
  case planChanged(from: Int, to: Int)
  /// A case has a number that the plan does not have.
  case numberOutOfPlan(Int, planned: Int)
  /// A case begins twice.
  case caseTwice(Int)
  /// A case begins while the one before has no result yet.
  case caseInsideOfCase(Int, unfinished: Int)
  /// A case begins with a number that is not the next one.
  case caseOutOfOrder(Int, after: Int)
  /// A phase, an inspection or a result names a case that is not under way.
  case notUnderWay(what: String, Int)
  /// A phase is reported twice.
  case phaseTwice(Int, Phase)
  /// A phase is reported before one that comes before it.
  case phaseOutOfOrder(Int, Phase)
  /// A case is said to have passed without one of its phases.
  case phaseMissing(Int, Phase)
  /// The GPU's part of a case begins or ends twice, or ends without a beginning, or never ends.
  case gpuEdge(Int, GPUEdge.Side)
  /// The result's name is not the case's.
  case nameDiffers(Int, case: String, result: String)
  /// A phase claims what it must not.
  case wrongClaim(Int, Phase, Claim)
  /// A refused phase lists blocks that moved.
  case refusedWithTransfers(Int)
  /// The direct phase lists no blocks, and the fallback does.
  case directMovedNothing(Int, fallbackBytes: UInt64)
  /// The two phases of a read list different blocks of the same file.
  case transfersDiffer(Int)
  /// A phase moved more bytes than it lists blocks for.
  case blocksMissing(Int, Phase, listed: UInt64, bytes: UInt64)
  /// The host was not shown everything that a phase moved to or from memory that it can look into.
  case notInspected(Int, Phase, inspected: UInt64, bytes: UInt64)
  /// A phase wrote a file that the host can't find in the raw image.
  case fileMissing(Int, Phase)
  /// The two phases moved different numbers of bytes.
  case bytesDiffer(Int, direct: UInt64, fallback: UInt64)
  /// A case names a volume or a peer that the topology does not have.
  case unknownDevice(Int?, kind: String, id: String)
  /// The trace has no complete window for a phase, or for a case of the peer GPU.
  case markersMissing(Int, Phase?, reason: String)
  /// A case is said to have passed without telling what the GPU did, or which pages it used.
  case countsMissing(Int, what: String)
  /// The program gave up.
  case bailedOut(String)
  /// Cases of the plan never ran.
  case casesMissing(ran: Int, planned: Int)
  /// More of something than the protocol allows.
  case tooMany(String)
  /// Anything else, as a sentence.
  case other(String)
  /// QEMU's trace is longer than can be kept.
  case traceTruncated

  /// A violation in words of the caller's own.
  public init(_ description: String) {
    self = .other(description)
  }

  /// Number of the case that it belongs to.
  public var number: Int? {
    switch self {
    case .numberOutOfPlan(let number, _), .caseTwice(let number),
      .caseInsideOfCase(let number, _), .caseOutOfOrder(let number, _),
      .notUnderWay(_, let number), .phaseTwice(let number, _), .phaseOutOfOrder(let number, _),
      .phaseMissing(let number, _), .nameDiffers(let number, _, _),
      .wrongClaim(let number, _, _), .refusedWithTransfers(let number),
      .directMovedNothing(let number, _), .bytesDiffer(let number, _, _),
      .markersMissing(let number, _, _), .gpuEdge(let number, _), .transfersDiffer(let number),
      .blocksMissing(let number, _, _, _), .notInspected(let number, _, _, _),
      .fileMissing(let number, _), .countsMissing(let number, _):
      number
    case .unknownDevice(let number, _, _): number
    case .malformed, .malformedLine, .planMissing, .planChanged, .bailedOut, .casesMissing,
      .tooMany, .traceTruncated, .other:
      nil
    }
  }
}

extension ProtocolViolation: CustomStringConvertible {
  /// The violation as a sentence.
  public var description: String {
    switch self {
    case .malformed(let reason), .other(let reason): reason
    case .malformedLine(let line, let reason): "line \(line) of the program's output: \(reason)"
    case .planMissing: "a case begins before the plan"
    case .planChanged(let old, let new): "the plan changes from \(old) to \(new) cases"
    case .numberOutOfPlan(let number, let planned):
      "case \(number) is not one of the \(planned) planned ones"
    case .caseTwice(let number): "case \(number) begins twice"
    case .caseInsideOfCase(let number, let unfinished):
      "case \(number) begins before case \(unfinished) has a result"
    case .caseOutOfOrder(let number, let previous): "case \(number) follows case \(previous)"
    case .notUnderWay(let what, let number):
      "\(what) names case \(number), which is not under way"
    case .phaseTwice(let number, let phase):
      "the \(phase.rawValue) phase of case \(number) is reported twice"
    case .phaseOutOfOrder(let number, let phase):
      "the \(phase.rawValue) phase of case \(number) comes too late"
    case .phaseMissing(let number, let phase):
      "case \(number) passed without a \(phase.rawValue) phase"
    case .gpuEdge(let number, let side):
      "the \(side.rawValue) of the GPU's part of case \(number) is missing or out of place"
    case .nameDiffers(let number, let name, let result):
      "case \(number) is called `\(name)`, its result `\(result)`"
    case .wrongClaim(let number, let phase, let claim):
      "the \(phase.rawValue) phase of case \(number) claims \(claim.rawValue)"
    case .refusedWithTransfers(let number):
      "the direct phase of case \(number) was refused and still lists blocks that moved"
    case .directMovedNothing(let number, let bytes):
      "the direct phase of case \(number) lists no blocks, while the fallback moved \(bytes) bytes"
    case .transfersDiffer(let number):
      "the phases of case \(number) read the same file and list different blocks"
    case .blocksMissing(let number, let phase, let listed, let bytes):
      "the \(phase.rawValue) phase of case \(number) moved \(bytes) bytes and lists blocks of "
        + "\(listed) only"
    case .notInspected(let number, let phase, let inspected, let bytes):
      "the \(phase.rawValue) phase of case \(number) moved \(bytes) bytes and had the host look at "
        + "\(inspected) of them only"
    case .fileMissing(let number, let phase):
      "the file that the \(phase.rawValue) phase of case \(number) wrote was not reported, so the "
        + "host can't find it on the disk"
    case .bytesDiffer(let number, let direct, let fallback):
      "case \(number) moved \(direct) bytes directly and \(fallback) by the fallback"
    case .unknownDevice(_, let kind, let id): "the topology has no \(kind) `\(id)`"
    case .markersMissing(let number, let phase, let reason):
      "QEMU's trace does not bracket \(phase.map { "the \($0.rawValue) phase of " } ?? "")case "
        + "\(number): \(reason)"
    case .countsMissing(let number, let what):
      "case \(number) passed without telling \(what)"
    case .bailedOut(let reason): "the program gave up: \(reason)"
    case .casesMissing(let ran, let planned): "\(ran) of \(planned) planned cases ran"
    case .tooMany(let what): "too many \(what)"
    case .traceTruncated: "QEMU's trace is too long to be kept"
    }
  }
}
