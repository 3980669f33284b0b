// SPDX-License-Identifier: Apache-2.0

/// Something that happened to a guest, in the order in which it happened.
public enum GuestEvent: Sendable, Hashable {
  /// QEMU runs.
  case started
  /// The guest agent opened (true) or closed (false) its channel.
  case agent(connected: Bool)
  /// The guest opened (true) or closed (false) the program channel. QEMU tells at most one a
  /// second, the last one. Not repeated to who begins to listen later.
  case programChannel(open: Bool)
  /// The console says that the kernel is in trouble.
  case finding(ConsoleFinding)
  /// The guest is gone. Always the last event.
  case ended(GuestEnd)
}

/// How a guest ended.
public struct GuestEnd: Sendable, Hashable, CustomStringConvertible {
  /// The ways in which a guest ends.
  public enum Cause: String, Sendable, Hashable, Codable {
    /// The guest powered itself off or reset (a kernel with `panic=-1` resets when it panics).
    case poweredOff = "powered-off"
    /// `destroy()` ended it.
    case destroyed
    /// QEMU died: killed from outside by whatever signal, aborted, or out of memory.
    case died
    /// Crossbar ended it because it wrote without end to its console.
    case flooded
    /// Crossbar ended it because it had QEMU write without end to its logs.
    case floodedLogs = "flooded-logs"
    /// Crossbar ended it because the disk that its logs are on is nearly full.
    case fullDisk = "full-disk"

    /// Whether it is the guest's own doing: what runs in it can bring this end about.
    public var isGuestsOwn: Bool {
      switch self {
      case .poweredOff, .flooded, .floodedLogs: true
      case .destroyed, .died, .fullDisk: false
      }
    }
  }

  /// How it ended.
  public var cause: Cause
  /// The panic on the console, if the kernel panicked before the end.
  public var panic: ConsoleFinding?

  /// Makes an end.
  public init(cause: Cause, panic: ConsoleFinding? = nil) {
    self.cause = cause
    self.panic = panic
  }

  /// The end in words: "the guest's kernel panicked (console.log:211: Kernel panic - ...)".
  public var description: String {
    if let panic { return "the guest's kernel panicked (\(panic))" }
    return switch cause {
    case .poweredOff: "the guest powered off or reset"
    case .destroyed: "the guest was destroyed"
    case .died: "QEMU died"
    case .flooded:
      "the guest wrote more than \(ConsoleWatcher.sizeLimit >> 20) MiB to its console and was ended"
    case .floodedLogs:
      "the guest made one of QEMU's logs too long and was ended"
    case .fullDisk:
      """
      less than \(LogBound.room >> 20) MiB are free where the run's logs and disk images are, \
      and the guest was ended
      """
    }
  }

  /// This end as an error of something that needed the guest.
  func error(attempt: String, log: String) -> HypervisorError {
    let kind: HypervisorError.Kind =
      if panic != nil { .guestPanicked } else { cause.isGuestsOwn ? .guestEnded : .emulatorEnded }
    let mend: String? =
      switch (panic, cause) {
      case (.some, _): "See the console from there on for the stack"
      case (nil, .died): "See \(log); the kernel's log tells if memory ran out"
      case (nil, .fullDisk): "Free some space, or put the run elsewhere with --output"
      case (nil, .floodedLogs): "See the end of \(log) and of the log of trace events beside it"
      case (nil, _): "See the console for the reason"
      }
    return HypervisorError(
      kind, attempt: attempt, problem: description, mend: mend, finding: panic)
  }
}
