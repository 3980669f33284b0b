// SPDX-License-Identifier: Apache-2.0

import Foundation
import Synchronization

/// Follows a console file while QEMU writes it, and finds what says that the kernel is in trouble.
///
/// A thread of its own sleeps in the kernel until the file grows (inotify). Memory is bounded: one
/// line, and the first `findingLimit` findings with the first of each kind.
public final class ConsoleWatcher: Sendable {
  /// Findings beyond this number are only counted, but for the first of each kind: a kernel that
  /// warns in a loop says nothing new, and hides nothing by it.
  public static let findingLimit = 1000
  /// A console that grows beyond this many bytes is called flooded.
  public static let sizeLimit: Int64 = 256 << 20
  /// Longest line that is looked at, in bytes.
  static let lineLimit = 8192
  /// Pieces of 64 KiB that are read before the thread looks whether it shall stop.
  static let piecesPerRound = 64

  private struct State {
    var findings: [ConsoleFinding] = []
    var kinds: Set<ConsoleFinding.Kind> = []
    var suppressed = 0
    var listeners: [AsyncStream<ConsoleFinding>.Continuation] = []
    var finished = false
  }

  private let state = Mutex(State())
  private let file: FileDescriptorOwner
  private let notifier: FileDescriptorOwner
  private let wake: WakePipe
  private let done = DispatchSemaphore(value: 0)
  private let onFinding: @Sendable (ConsoleFinding) -> Void
  private let onFlood: @Sendable () -> Void

  /// Empties the file at `path`, or makes it, and follows it until `finish()`.
  ///
  /// - Parameters:
  ///   - path: the console file.
  ///   - onFlood: called once when the file has grown beyond `sizeLimit`.
  ///   - onFinding: called for each finding, on the watcher's thread.
  public init(
    path: String,
    onFlood: @escaping @Sendable () -> Void = {},
    onFinding: @escaping @Sendable (ConsoleFinding) -> Void = { _ in }
  ) throws(HypervisorError) {
    let attempt = "watch the console \(path)"
    let descriptor = open(path, O_RDONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else {
      throw HypervisorError(.environment, attempt: attempt, problem: systemMessage(errno))
    }
    file = FileDescriptorOwner(descriptor)
    let inotify = inotify_init1(Int32(IN_CLOEXEC | IN_NONBLOCK))
    guard inotify >= 0 else {
      throw HypervisorError(
        .environment, attempt: attempt, problem: systemMessage(errno),
        mend: "Raise fs.inotify.max_user_instances")
    }
    notifier = FileDescriptorOwner(inotify)
    guard inotify_add_watch(inotify, path, UInt32(IN_MODIFY)) >= 0 else {
      throw HypervisorError(
        .environment, attempt: attempt, problem: systemMessage(errno),
        mend: "Raise fs.inotify.max_user_watches")
    }
    wake = try WakePipe(attempt: attempt)
    self.onFinding = onFinding
    self.onFlood = onFlood
    let thread = Thread { [self] in follow() }
    thread.name = "console"
    thread.start()
  }

  /// What was found so far, in the order of the console.
  public var findings: [ConsoleFinding] { state.withLock { $0.findings } }

  /// How many findings were counted but not kept.
  public var suppressed: Int { state.withLock { $0.suppressed } }

  /// What was found and will be found; ends with `finish()`.
  public func stream() -> AsyncStream<ConsoleFinding> {
    AsyncStream { continuation in
      let finished = state.withLock { state in
        for finding in state.findings { continuation.yield(finding) }
        if !state.finished { state.listeners.append(continuation) }
        return state.finished
      }
      if finished { continuation.finish() }
    }
  }

  /// Reads what is left of the file and stops. Blocks for as long as that takes.
  public func finish() {
    wake.wake()
    done.wait()
    done.signal()
  }

  private func follow() {
    var recogniser = ConsoleRecogniser()
    var splitter = LineSplitter(limit: Self.lineLimit, excess: .truncate)
    var flooded = false
    var last = false
    var hasMore = false
    while !last {
      var polled = [
        pollfd(fd: notifier.descriptor, events: Int16(POLLIN), revents: 0),
        pollfd(fd: wake.descriptor, events: Int16(POLLIN), revents: 0),
      ]
      _ = poll(&polled, 2, hasMore ? 0 : -1)
      // Asked to stop: what is in the file by now is still read.
      last = polled[1].revents != 0
      drainNotifications()
      let end = last ? size : 0
      repeat {
        hasMore = read(&splitter, &recogniser)
      } while hasMore && position < end
      if !flooded, position > Self.sizeLimit {
        flooded = true
        onFlood()
      }
    }
    if let rest = splitter.rest() { look(at: rest, &recogniser) }
    let listeners = state.withLock { state in
      state.finished = true
      defer { state.listeners = [] }
      return state.listeners
    }
    for listener in listeners { listener.finish() }
    done.signal()
  }

  private func drainNotifications() {
    var buffer = [UInt8](repeating: 0, count: 4096)
    while Glibc.read(notifier.descriptor, &buffer, buffer.count) > 0 {}
  }

  /// How far the file was read.
  private var position: Int64 { Int64(lseek(file.descriptor, 0, SEEK_CUR)) }

  /// How long the file is.
  private var size: Int64 {
    var status = stat()
    return fstat(file.descriptor, &status) == 0 ? Int64(status.st_size) : 0
  }

  /// Reads on.
  ///
  /// - Returns: whether there is more to be read already. No notice will come for that.
  private func read(
    _ splitter: inout LineSplitter, _ recogniser: inout ConsoleRecogniser
  ) -> Bool {
    // QEMU may have emptied the file that was there before.
    if size < position { lseek(file.descriptor, 0, SEEK_SET) }
    var buffer = [UInt8](repeating: 0, count: 65536)
    // Bounded, so that a guest that writes faster than this reads can't keep the thread from
    // stopping.
    for _ in 0..<Self.piecesPerRound {
      let count = Glibc.read(file.descriptor, &buffer, buffer.count)
      guard count > 0 else { return false }
      let lines = (try? splitter.take(buffer[..<count])) ?? []
      for line in lines { look(at: line, &recogniser) }
    }
    return true
  }

  private func look(at line: String, _ recogniser: inout ConsoleRecogniser) {
    guard let finding = recogniser.next(line) else { return }
    let kept = state.withLock { state in
      let isFirst = state.kinds.insert(finding.kind).inserted
      guard state.findings.count < Self.findingLimit || isFirst else {
        state.suppressed += 1
        return false
      }
      state.findings.append(finding)
      for listener in state.listeners { listener.yield(finding) }
      return true
    }
    if kept { onFinding(finding) }
  }
}
