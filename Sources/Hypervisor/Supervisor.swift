// SPDX-License-Identifier: Apache-2.0

import CLibvirt
import Foundation
import Synchronization

/// A small process that outlives Crossbar by a moment, to end what Crossbar could not end itself.
///
/// libvirt's embedded driver leaves QEMU running when its process dies, and nothing inside a
/// process survives SIGKILL. So the executable starts itself once more with a hidden argument. That
/// process has a session of its own, ignores what a terminal sends, and holds nothing but the
/// reading end of a pipe whose writing end only Crossbar has: the kernel closes it however Crossbar
/// ends. Then it kills the processes of the run and removes its files.
///
/// The directory comes over the pipe rather than in an argument, so that a search by command line
/// for the run (`pkill -9 -f`) doesn't hit the supervisor.
public final class Supervisor: Sendable {
  /// The hidden first argument that makes the executable a supervisor.
  public static let argument = "--crossbar-supervisor"

  private static let installed = Atomic(false)
  private static let ready = UInt8(ascii: "r")

  /// The process, to be reaped.
  private let process: pid_t
  private let pipe: Mutex<Int32>
  private let answer: FileDescriptorOwner

  private init(process: pid_t, pipe: Int32, answer: FileDescriptorOwner) {
    self.process = process
    self.pipe = Mutex(pipe)
    self.answer = answer
  }

  deinit { closePipe() }

  /// Becomes the supervisor and never returns, if the arguments ask for it. The first thing that
  /// `main` does: before threads, and before anything that opens files.
  public static func runIfRequested(arguments: [String] = CommandLine.arguments) {
    installed.store(true, ordering: .relaxed)
    guard arguments.count >= 2, arguments[1] == argument else { return }
    supervise()
  }

  /// Starts the supervisor of this process.
  ///
  /// - Throws: `.environment` if the executable never calls `runIfRequested`, or can't be started
  ///   again.
  public static func start() throws(HypervisorError) -> Supervisor {
    let attempt = "start the process that cleans up after a crash"
    guard installed.load(ordering: .relaxed) else {
      throw HypervisorError(
        .environment, attempt: attempt,
        problem: "this program is not made to be its own supervisor",
        mend: "Call Supervisor.runIfRequested() first in main, or open with supervised: false")
    }
    let orders = try Pipe.open(attempt)
    let answers = try Pipe.open(attempt)
    var process: pid_t = 0
    let result = spawn(
      &process, input: orders.reading.descriptor, output: answers.writing.descriptor)
    guard result == 0 else {
      throw HypervisorError(.environment, attempt: attempt, problem: systemMessage(result))
    }
    // The supervisor's own descriptor must be the only writing end's copy in this process.
    let pipe = fcntl(orders.writing.descriptor, F_DUPFD_CLOEXEC, 3)
    return Supervisor(process: process, pipe: pipe, answer: answers.reading)
  }

  /// Tells which run to end, and waits until the supervisor has understood.
  ///
  /// - Parameter root: the run's directory, which needn't exist yet.
  public func watch(root: String) throws(HypervisorError) {
    try write("root \(root)")
    var poller = pollfd(fd: answer.descriptor, events: Int16(POLLIN), revents: 0)
    var byte: UInt8 = 0
    guard poll(&poller, 1, 5000) == 1, read(answer.descriptor, &byte, 1) == 1, byte == Self.ready
    else {
      throw HypervisorError(
        .environment, attempt: "have the run in \(root) supervised",
        problem: "the supervisor did not answer within 5 s",
        mend: "Check that /proc is mounted and that the executable still exists")
    }
  }

  /// Has `path` (a file, or a directory with all that is in it) removed should this process die.
  public func removeOnDeath(_ path: String) throws(HypervisorError) { try write("remove \(path)") }

  /// Sends the supervisor home, after everything was ended and removed in order. Files that it was
  /// told of are removed.
  public func finish() {
    try? write("done")
    closePipe()
    waitpid(process, nil, 0)
  }

  private func closePipe() {
    pipe.withLock { pipe in
      if pipe >= 0 { close(pipe) }
      pipe = -1
    }
  }

  private func write(_ line: String) throws(HypervisorError) {
    let bytes = Array((line + "\n").utf8)
    // A line is short and the pipe is empty but for it: it is written whole, or there is no reader.
    let written = pipe.withLock { pipe in
      line.contains("\n") ? -1 : send(bytes, to: pipe)
    }
    guard written == bytes.count else {
      throw HypervisorError(
        .environment, attempt: "tell the supervisor about the run",
        problem: "the supervisor is gone", mend: "Run again; if it stays, look who kills it")
    }
  }
}

/// Both ends of a pipe, kept from children.
private struct Pipe {
  let reading: FileDescriptorOwner
  let writing: FileDescriptorOwner

  static func open(_ attempt: String) throws(HypervisorError) -> Pipe {
    var ends: [Int32] = [-1, -1]
    guard pipe2(&ends, O_CLOEXEC) == 0 else {
      throw HypervisorError(.environment, attempt: attempt, problem: systemMessage(errno))
    }
    return Pipe(reading: FileDescriptorOwner(ends[0]), writing: FileDescriptorOwner(ends[1]))
  }
}

// MARK: - Starting it

extension Supervisor {
  /// Writes without letting a missing reader end this process by SIGPIPE.
  private func send(_ bytes: [UInt8], to pipe: Int32) -> Int {
    var mask = sigset_t()
    var before = sigset_t()
    sigemptyset(&mask)
    sigaddset(&mask, SIGPIPE)
    pthread_sigmask(SIG_BLOCK, &mask, &before)
    defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
    let count = Glibc.write(pipe, bytes, bytes.count)
    if count < 0, errno == EPIPE {
      var now = timespec()
      sigtimedwait(&mask, nil, &now)
    }
    return count
  }

  /// Starts this executable once more, with nothing open but `input` as 0, `output` as 1 and
  /// /dev/null as 2.
  private static func spawn(_ process: inout pid_t, input: Int32, output: Int32) -> Int32 {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, input, 0)
    posix_spawn_file_actions_adddup2(&actions, output, 1)
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
    posix_spawn_file_actions_addclosefrom_np(&actions, 3)
    // Else the run's directory, or a removed worktree, could not be unmounted while it waits.
    posix_spawn_file_actions_addchdir_np(&actions, "/")

    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    posix_spawnattr_setflags(&attributes, crossbar_spawn_in_new_session)

    let arguments: [UnsafeMutablePointer<CChar>?] = [strdup("supervisor"), strdup(argument), nil]
    defer { for text in arguments { free(text) } }
    return posix_spawn(&process, "/proc/self/exe", &actions, &attributes, arguments, environ)
  }
}

// MARK: - Being it

extension Supervisor {
  private static func supervise() -> Never {
    for number in [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGTSTP, SIGUSR1, SIGUSR2] {
      signal(number, SIG_IGN)
    }
    var root: String?
    var files: [String] = []
    var finished = false
    while let line = readLine(strippingNewline: true) {
      let parts = line.split(separator: " ", maxSplits: 1).map(String.init)
      switch (parts.first, parts.dropFirst().first) {
      case ("root", .some(let path)):
        root = path
        var answer = ready
        _ = Glibc.write(1, &answer, 1)
      case ("remove", .some(let path)): files.append(path)
      case ("done", _): finished = true
      default: break
      }
    }
    // The pipe is closed: Crossbar is gone.
    let orderly = finished && root.map { access($0, F_OK) != 0 } ?? true
    if let root, !orderly {
      Leftovers.end(root: root, quiet: .milliseconds(500))
      try? FileManager.default.removeItem(atPath: root)
    }
    for file in files { try? FileManager.default.removeItem(atPath: file) }
    exit(0)
  }
}
