// SPDX-License-Identifier: Apache-2.0

import Foundation
import Synchronization

/// How a program ended.
public struct ProgramExit: Sendable, Hashable {
  /// What the shell calls its status: the exit code, or 128 and the signal's number.
  public var status: Int32
  /// What it wrote to its standard error.
  public var standardError: String

  /// Makes an exit.
  public init(status: Int32, standardError: String) {
    self.status = status
    self.standardError = standardError
  }
}

/// The time and the amount of output that a program may take.
public struct ProgramLimits: Sendable, Hashable {
  /// Longest silence.
  public var idle: Duration
  /// Longest run.
  public var total: Duration
  /// Bytes of all lines together.
  public var output: Int
  /// Number of all lines. Each costs more memory than its bytes, an empty one too.
  public var lines: Int
  /// How long it may take to end once it is killed, and what is left of an earlier one.
  public var death: Duration

  /// Makes limits. Unless told otherwise, lines may be as many as have 64 bytes on average: a
  /// million for 64 MiB.
  public init(
    idle: Duration = .seconds(30), total: Duration = .seconds(600), output: Int = 64 << 20,
    lines: Int? = nil, death: Duration = .seconds(30)
  ) {
    self.idle = idle
    self.total = total
    self.output = output
    self.lines = lines ?? max(output / 64, 1)
    self.death = death
  }
}

/// A program in the guest whose standard input and output are the program channel.
///
/// A shell in the guest opens the port, says in a first line that the program begins, drops its
/// input up to the host's first line, runs the program, and says in a last line how it ended. These
/// lines carry a number that is new for each run, so what an earlier program left in the channel is
/// told apart.
public final class ProgramRun: Sendable {
  /// Longest line in bytes.
  public static let lineLimit = 64 << 10

  /// What the program writes, line by line, each at most `lineLimit` bytes. Ends with the program;
  /// throws as soon as the guest dies, panics, or stays silent for too long.
  public let lines: ProgramLines

  let token = String(UInt64.random(in: .min ... .max), radix: 16)
  let attempt: String
  let limits: ProgramLimits
  private let channel: ProgramChannel
  private let wake: WakePipe
  private let output: AsyncStream<String>.Continuation
  private let state = Mutex(State())

  private struct State {
    var begun = false
    var stop: HypervisorError?
    var outcome: Result<Int32, HypervisorError>?
    var waiter: CheckedContinuation<Result<Int32, HypervisorError>, Never>?
    var exit: Task<Result<ProgramExit, HypervisorError>, Never>?
  }

  init(
    attempt: String, limits: ProgramLimits, channel: ProgramChannel
  ) throws(HypervisorError) {
    self.attempt = attempt
    self.limits = limits
    self.channel = channel
    wake = try WakePipe(attempt: attempt)
    let (stream, output) = AsyncStream<String>.makeStream()
    self.output = output
    let failure = FailureBox()
    lines = ProgramLines(lines: stream, failure: failure)
    self.failure = failure
    output.onTermination = { [weak self] reason in
      guard let self, case .cancelled = reason else { return }
      stop(HypervisorError(.cancelled, attempt: attempt, problem: "it was cancelled"))
    }
  }

  private let failure: FailureBox

  /// The shell script that runs the program; its `$0` is the token, its arguments the program's. The
  /// port has one user at a time, and what an earlier program started may end a little later.
  var script: String {
    let port = "/dev/virtio-ports/\(GuestSockets.programPort)"
    return """
      tries=\(max(1, Int(limits.death / .milliseconds(100))))
      until command exec 0<>\(port) 1>&0; do
        [ "$((tries -= 1))" -gt 0 ] || break
        usleep 100000
      done 2>/dev/null
      [ "$tries" -gt 0 ] || exec 0<>\(port) 1>&0 || exit 126
      echo "crossbar-begin $0"
      while read -r line && [ "$line" != "crossbar-input $0" ]; do :; done
      "$@"
      echo "
      crossbar-end $0 $?"
      """
  }

  /// Sends a line to the program's standard input.
  public func send(_ line: String) async throws(HypervisorError) {
    try await send(bytes: Array((line + "\n").utf8))
  }

  func send(bytes: [UInt8]) async throws(HypervisorError) {
    let attempt = attempt
    do throws(HypervisorError) {
      try await channel.input.run { [self] () throws(HypervisorError) in
        try channel.write(bytes) { () throws(HypervisorError) in
          guard let outcome = self.state.withLock({ $0.outcome }) else { return }
          _ = try outcome.get()
          throw HypervisorError(
            .programEnded, attempt: attempt, problem: "it ended before it read its input",
            mend: "See its last lines for the reason")
        }
      }
    } catch  where error.kind == .emulatorEnded {
      // A closed channel says that QEMU is gone, not why. That is on its way.
      _ = try await exit()
      throw error
    }
  }

  /// Waits for the end of the program. Its lines needn't have been read.
  public func exit() async throws(HypervisorError) -> ProgramExit {
    guard let task = state.withLock({ $0.exit }) else {
      throw HypervisorError(.agent, attempt: attempt, problem: "it was never started")
    }
    let result = await withTaskCancellationHandler {
      await task.value
    } onCancel: {
      stop(HypervisorError(.cancelled, attempt: attempt, problem: "it was cancelled"))
    }
    return try result.get()
  }

  /// Hands on line by line, and waits for the end.
  ///
  /// - Throws: why it was ended, and that it could not be if so; what `onLine` throws.
  public func exit(onLine: (String) async throws -> Void) async throws -> ProgramExit {
    var lines = lines.makeAsyncIterator()
    // Why there is no next line is known before whether the program is gone.
    while let line = try? await lines.next() { try await onLine(line) }
    return try await exit()
  }

  /// Ends the run with an error, unless it has ended.
  func stop(_ error: HypervisorError) {
    state.withLock { state in
      if state.stop == nil { state.stop = error }
    }
    wake.wake()
  }

  /// Whether there will be no more lines.
  var isOver: Bool { state.withLock { $0.outcome != nil } }

  var hasBegun: Bool { state.withLock { $0.begun } }

  func setExit(_ task: Task<Result<ProgramExit, HypervisorError>, Never>) {
    state.withLock { $0.exit = task }
  }

  /// Waits for the program's last line, or for what went wrong.
  func outcome() async -> Result<Int32, HypervisorError> {
    await withCheckedContinuation { continuation in
      let known = state.withLock { state in
        if state.outcome == nil { state.waiter = continuation }
        return state.outcome
      }
      if let known { continuation.resume(returning: known) }
    }
  }

  private func finish(_ outcome: Result<Int32, HypervisorError>) {
    if case .failure(let error) = outcome { failure.set(error) }
    let waiter = state.withLock { state in
      state.outcome = outcome
      defer { state.waiter = nil }
      return state.waiter
    }
    output.finish()
    waiter?.resume(returning: outcome)
  }
}

// MARK: - The reading thread

extension ProgramRun {
  /// Marks where this run's input begins, and starts to read its output.
  func begin() {
    // After an end of line: an earlier program's input may have been cut off in the middle of one.
    let mark = Array("\ncrossbar-input \(token)\n".utf8)
    channel.input.enqueue { [self] in
      try? channel.write(mark) { () throws(HypervisorError) in
        _ = try self.state.withLock { $0.outcome }?.get()
      }
    }
    let thread = Thread { [self] in finish(read()) }
    thread.name = "program"
    thread.start()
  }

  private func read() -> Result<Int32, HypervisorError> {
    var parser = ProgramOutput(token: token, limit: limits.output, lines: limits.lines)
    var buffer = [UInt8](repeating: 0, count: 64 << 10)
    let start = ContinuousClock.now
    var heard = start
    while true {
      if let error = state.withLock({ $0.stop }) {
        // What QEMU passed on before it died was said in time.
        if error.kind == .emulatorEnded { drain(&parser, &buffer) }
        return .failure(error)
      }
      let now = ContinuousClock.now
      let left = min(limits.idle - (now - heard), limits.total - (now - start))
      guard left > .zero else { return .failure(silence(now - heard)) }
      var polled = [
        pollfd(fd: channel.socket.descriptor, events: Int16(POLLIN), revents: 0),
        pollfd(fd: wake.descriptor, events: Int16(POLLIN), revents: 0),
      ]
      _ = poll(&polled, 2, left.milliseconds)
      guard polled[0].revents != 0 else { continue }
      let count = recv(channel.socket.descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT))
      if count < 0, errno == EAGAIN || errno == EINTR { continue }
      guard count > 0 else {
        // QEMU is gone. The reason is known in a moment, by its event.
        _ = poll(&polled[1], 1, 3000)
        return .failure(
          state.withLock { $0.stop }
            ?? HypervisorError(
              .emulatorEnded, attempt: attempt, problem: "the program channel was closed",
              mend: "See the console and QEMU's log"))
      }
      heard = .now
      do throws(ProgramOutput.Excess) {
        let step = try parser.take(buffer[..<count])
        if parser.begun { state.withLock { $0.begun = true } }
        for line in step.lines { output.yield(line) }
        if let status = step.status { return .success(status) }
      } catch {
        return .failure(excess(error))
      }
    }
  }

  /// Reads what is left in the channel of a QEMU that is gone.
  private func drain(_ parser: inout ProgramOutput, _ buffer: inout [UInt8]) {
    while true {
      let count = recv(channel.socket.descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT))
      guard count > 0, let step = try? parser.take(buffer[..<count]) else { return }
      for line in step.lines { output.yield(line) }
    }
  }

  private func silence(_ time: Duration) -> HypervisorError {
    guard time >= limits.idle else {
      return HypervisorError(
        .timeout, attempt: attempt, problem: "it was still running after \(limits.total)",
        mend: "Raise the time limit, or see from its last line what takes so long")
    }
    return HypervisorError(
      .guestSilent, attempt: attempt, problem: "it said nothing for \(limits.idle)",
      mend: "The guest or the program hangs; see the end of the console")
  }

  private func excess(_ excess: ProgramOutput.Excess) -> HypervisorError {
    let problem =
      switch excess {
      case .line: "it wrote a line of more than \(Self.lineLimit) bytes"
      case .total: "it wrote more than \(limits.output) bytes"
      case .lines: "it wrote more than \(limits.lines) lines"
      }
    return HypervisorError(
      .limitExceeded, attempt: attempt, problem: problem, mend: "Have it write less")
  }
}

extension Duration {
  /// For `poll`: rounded up, at least 1, and capped below a minute, after which the caller asks
  /// again.
  fileprivate var milliseconds: Int32 {
    if self >= .seconds(60) { return 60_000 }
    if self <= .zero { return 1 }
    let parts = components
    return Int32(parts.seconds * 1000 + parts.attoseconds / 1_000_000_000_000_000 + 1)
  }
}
