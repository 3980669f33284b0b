// SPDX-License-Identifier: Apache-2.0

import CLibvirt
import Foundation

/// Talks to the QEMU guest agent of one domain, one command after the other.
struct GuestAgent: Sendable {
  /// Bytes a write: in base64 they stay below what the agent takes in one message.
  static let writeChunk = 48 << 10
  /// Bytes a read.
  static let readChunk = 512 << 10
  /// Seconds that an answer may take. The agent does nothing slow: a guest that needs longer hangs.
  static let answerTimeout: Int32 = 20
  /// How long the news of the guest's end may take to come, once a call shows that it is due.
  private static let newsLimit = Duration.seconds(10)

  let domain: LibvirtObject
  let queue: BlockingQueue
  let hub: EventHub
  let qemuLog: String

  /// Sends a command and returns the answer's value.
  func call<Arguments: Encodable & Sendable, Value: Decodable & Sendable>(
    _ command: String, _ arguments: Arguments, attempt: String, timeout: Int32 = answerTimeout,
    as type: Value.Type = Value.self
  ) async throws(HypervisorError) -> Value {
    if let end = hub.endOrPanic { throw end.error(attempt: attempt, log: qemuLog) }
    let request = AgentMessage.encode(
      AgentMessage.Request(execute: command, arguments: arguments))
    let domain = domain
    let result: Result<String, LibvirtFailure> = try await queue.run {
      guard
        let answer = virDomainQemuAgentCommand(domain.pointer, request, timeout, 0)
      else { return .failure(.last()) }
      defer { free(answer) }
      return .success(String(cString: answer))
    }
    switch result {
    case .success(let answer):
      guard let value = AgentMessage.decode(answer, as: Value.self) else {
        throw HypervisorError(
          .agent, attempt: attempt,
          problem: "the guest agent answered `\(command)` with something else: "
            + String(answer.prefix(200)))
      }
      return value
    case .failure(let failure): throw await error(failure, attempt: attempt)
    }
  }

  /// Starts a program and returns its process number.
  func start(
    _ path: String, _ arguments: [String], _ environment: [String: String], capture: Bool,
    attempt: String
  ) async throws(HypervisorError) -> Int64 {
    let request = AgentMessage.Execute(
      path: path, arguments: arguments,
      environment: environment.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" },
      capture: capture)
    let process: AgentMessage.Process = try await call("guest-exec", request, attempt: attempt)
    return process.pid
  }

  /// Waits for a program's end: the agent has no event for it, so it is asked, ever more rarely.
  ///
  /// - Returns: nil if the program still ran at the deadline.
  func wait(
    for process: Int64, until deadline: ContinuousClock.Instant, attempt: String
  ) async throws(HypervisorError) -> AgentMessage.Status? {
    var pause = Duration.milliseconds(2)
    while true {
      let status: AgentMessage.Status = try await call(
        "guest-exec-status", AgentMessage.Process(pid: process), attempt: attempt)
      if status.exited { return status }
      guard .now < deadline else { return nil }
      do {
        try await Task.sleep(for: pause)
      } catch {
        throw HypervisorError(.cancelled, attempt: attempt, problem: "it was cancelled")
      }
      pause = min(pause * 2, .milliseconds(100))
    }
  }

  /// Kills `$0`, its children and the session that it leads, all groups of it, until nothing of
  /// them is left or `$1` tries are over. Busybox in Debian has no `pkill`.
  private static let killScript = """
    tries=$1
    while :; do
      found=
      for stat in /proc/[0-9]*/stat; do
        { read -r line <"$stat"; } 2>/dev/null || continue
        set -- ${line##*) }
        # One that is dead or has ended, unless a thread of it lives on.
        case $1${18} in Z[01] | X*) continue ;; esac
        case $0 in ${line%% *} | $2 | $4) ;; *) continue ;; esac
        found=1
        kill -KILL "${line%% *}" 2>/dev/null
      done
      [ "$found" ] || exit 0
      [ "$((tries -= 1))" -gt 0 ] || exit 1
      usleep 100000
    done
    """

  /// Kills a process, its children, and whatever there is of the session that it leads. That may
  /// take time: who is in a system call goes when the kernel lets it.
  ///
  /// - Parameter limit: how long that may take; zero to kill without waiting. A slow guest, for
  ///   which each look costs, gets more.
  /// - Returns: false if something of it is left, as far as is known: a guest that hangs says
  ///   nothing.
  func kill(_ process: Int64, within limit: Duration) async -> Bool {
    let attempt = "end process \(process) in the guest"
    let tries = max(1, Int(limit / .milliseconds(100)))
    let request = AgentMessage.Execute(
      path: "/bin/busybox",
      arguments: ["sh", "-c", Self.killScript, String(process), String(tries)],
      environment: ["PATH=/bin:/sbin:/usr/bin:/usr/sbin"], capture: false)
    let killer: AgentMessage.Process? = try? await call(
      "guest-exec", request, attempt: attempt, timeout: 3)
    guard let killer, limit > .zero else { return true }
    do {
      let status = try await wait(for: killer.pid, until: .now + limit * 4, attempt: attempt)
      return status?.exitCode == 0
    } catch {
      return true
    }
  }

  /// What a failed call means. If the domain is gone, or QEMU has closed its end of the agent's
  /// socket, the reason is the guest's end; it is on its way.
  private func error(_ failure: LibvirtFailure, attempt: String) async -> HypervisorError {
    let domain = domain
    let active =
      (try? await queue.run { () throws(HypervisorError) in
        virDomainIsActive(domain.pointer)
      }) ?? -1
    if active != 1 || failure.is(VIR_ERR_OPERATION_INVALID) {
      if let end = await hub.end(within: Self.newsLimit) {
        return end.error(attempt: attempt, log: qemuLog)
      }
      return HypervisorError(
        .guestSilent, attempt: attempt, problem: "the guest does not run: \(failure.message)",
        mend: "Its virtual CPUs were stopped; see QEMU's log \(qemuLog)")
    }
    if failure.is(VIR_ERR_AGENT_UNRESPONSIVE) {
      return HypervisorError(
        .guestSilent, attempt: attempt, problem: "the guest agent does not answer",
        mend: "See the end of the console: the guest hangs, or its agent was killed")
    }
    // internal error: unable to execute QEMU agent command '...': ..., error was 'REASON'
    var problem = Substring(failure.message)
    if let mark = problem.range(of: "error was '") {
      problem = problem[mark.upperBound...]
      if problem.last == "'" { problem.removeLast() }
    } else if let end = await hub.end(within: Self.newsLimit) {
      // libvirt calls it an internal error, too: "End of file from agent socket".
      return end.error(attempt: attempt, log: qemuLog)
    }
    return HypervisorError(.agent, attempt: attempt, problem: String(problem))
  }
}
