// SPDX-License-Identifier: Apache-2.0

/// Why something could not be done with a guest. Reads as a sentence: what was tried, what is
/// wrong, what to do.
public struct HypervisorError: Error, Sendable, Hashable, CustomStringConvertible {
  /// What went wrong, for code that has to decide.
  public enum Kind: String, Sendable, Hashable, Codable {
    /// The guest that was asked for can't be built; nothing was started.
    case invalidDescription = "invalid-description"
    /// The host lacks something: libvirt, QEMU, a directory, disk space.
    case environment
    /// libvirt refused a call.
    case libvirt
    /// QEMU did not come up.
    case start
    /// The guest ended by its own doing while it was still needed: it powered off, it reset, or it
    /// wrote so much that it was ended.
    case guestEnded = "guest-ended"
    /// QEMU ended while the guest was still needed: killed, crashed, or destroyed by somebody else.
    case emulatorEnded = "emulator-ended"
    /// The guest's kernel panicked.
    case guestPanicked = "guest-panicked"
    /// The guest's kernel reported while it booted that it makes no progress.
    case bootStalled = "boot-stalled"
    /// The guest or its program said nothing for too long: a hang.
    case guestSilent = "guest-silent"
    /// The program was killed inside of the guest, or ended while it was still spoken to.
    case programEnded = "program-ended"
    /// The program had to be killed and could not be, or what it started keeps the way to programs
    /// for itself: its guest runs no other any more.
    case programStuck = "program-stuck"
    /// A time limit passed although the guest was still speaking.
    case timeout
    /// The guest agent refused a command, or answered something that makes no sense.
    case agent
    /// The guest sent more than it may.
    case limitExceeded = "limit-exceeded"
    /// The task was cancelled.
    case cancelled
  }

  /// What went wrong, for code that has to decide.
  public var kind: Kind
  /// What was tried, as an infinitive: "push /run/crossbar/p2pcheck into the guest".
  public var attempt: String
  /// What is wrong, without a full stop.
  public var problem: String
  /// What to do about it, as a sentence without a full stop, where something can be done.
  public var mend: String?
  /// The line of the console that explains the error, if one does.
  public var finding: ConsoleFinding?

  /// Makes an error.
  public init(
    _ kind: Kind,
    attempt: String,
    problem: String,
    mend: String? = nil,
    finding: ConsoleFinding? = nil
  ) {
    self.kind = kind
    self.attempt = attempt
    self.problem = problem
    self.mend = mend
    self.finding = finding
  }

  /// The error as one sentence or two.
  public var description: String {
    let head = "can't \(attempt): \(problem)"
    guard let mend else { return head }
    return "\(head). \(mend)"
  }
}
