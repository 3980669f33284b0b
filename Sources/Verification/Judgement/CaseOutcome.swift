// SPDX-License-Identifier: Apache-2.0

/// What a case showed.
public struct CaseOutcome: Sendable, Hashable, Codable {
  /// The kinds of outcome.
  public enum Kind: String, Sendable, Hashable, Codable, CaseIterable {
    /// Both paths gave the golden bytes, each on the path that it claims.
    case verified
    /// The kernel refused the direct path, as the topology expects, and the fallback is right.
    case refusedFellBack
    /// The program had a reason not to run the case.
    case skipped
    /// Silent corruption that the topology names as a limit of the emulator, with its evidence.
    case knownLimit
    /// Something is wrong.
    case failed
  }

  /// What is wrong with a case.
  public enum Failure: String, Sendable, Hashable, Codable, CaseIterable {
    /// The direct path reported success and delivered wrong bytes.
    case silentCorruption = "silent corruption"
    /// The kernel refused a route that the topology expects.
    case unexpectedRefusal = "unexpected refusal"
    /// The direct path worked although the topology expects no route.
    case unexpectedSuccess = "unexpected success"
    /// The direct path was tried and ended with an error that is no refusal.
    case transferError = "transfer error"
    /// The page-cache fallback failed or delivered wrong bytes.
    case wrongFallback = "wrong fallback"
    /// The data took another path than the case claims.
    case wrongPath = "wrong path"
    /// The guest saw right bytes, and the host sees others in the peer's memory.
    case hostViewDiffers = "host view differs"
    /// The guest saw right bytes, and the disk does not hold what was written to it.
    case wrongDisk = "wrong disk content"
    /// What was acknowledged before a power cut is not there after it, or something is torn.
    case lostWrite = "lost write"
    /// A file system has faults after a power cut.
    case uncleanFileSystem = "unclean file system"
    /// The DMA sanitizer found an access that must not be.
    case sanitizer = "sanitizer finding"
    /// The case has no end: the program, the guest or the emulator died before.
    case incomplete
    /// The guest program broke the protocol.
    case protocolViolation = "protocol violation"
    /// The guest program failed the case for a reason of its own.
    case program = "program failure"
  }

  /// What kind.
  public var kind: Kind
  /// What is wrong, if something is; what a known limit is, too.
  public var failure: Failure?
  /// Why, as sentences; empty for a verified case.
  public var explanation: String

  /// Says what a case showed.
  public init(_ kind: Kind, _ failure: Failure? = nil, _ explanation: String = "") {
    self.kind = kind
    self.failure = failure
    self.explanation = explanation
  }

  /// What would have shown it did not come.
  static var brokeOff: CaseOutcome {
    .failed(
      .incomplete, "The suite broke off before the host could look for the file on the disk.")
  }

  static func failed(_ failure: Failure, _ explanation: String) -> CaseOutcome {
    CaseOutcome(.failed, failure, explanation)
  }
}
