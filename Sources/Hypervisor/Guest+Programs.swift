// SPDX-License-Identifier: Apache-2.0

import Foundation

/// What a program in the guest did.
public struct ExecutionResult: Sendable, Hashable {
  /// Exit code, or 128 and the number of the signal that ended it.
  public var status: Int32
  /// What it wrote to its standard output.
  public var output: [UInt8]
  /// What it wrote to its standard error.
  public var error: [UInt8]

  /// The output as text.
  public var outputText: String { String(decoding: output, as: UTF8.self) }
  /// The standard error as text.
  public var errorText: String { String(decoding: error, as: UTF8.self) }
}

/// A program in the guest that was started and goes on by itself.
public struct GuestProcess: Sendable, Hashable {
  let id: Int64
  let path: String
}

extension Guest {
  /// Writes a file into the guest. It appears under its name when it is whole.
  ///
  /// - Parameters:
  ///   - content: the file's bytes.
  ///   - path: absolute; missing directories are made.
  ///   - mode: permission bits.
  public func push(
    _ content: [UInt8], to path: String, mode: UInt16 = 0o755
  ) async throws(HypervisorError) {
    let attempt = "push \(path) into the guest"
    // The agent parses JSON byte by byte, 15 times slower under emulation than the channel is. But
    // the channel has one user, and for small files its set-up takes longer.
    if content.count > GuestAgent.writeChunk, program.withLock({ $0 == nil }) {
      return try await pushByChannel(content, to: path, mode: mode, attempt: attempt)
    }
    let handle = try await openToWrite(path, attempt: attempt)
    for start in stride(from: 0, to: content.count, by: GuestAgent.writeChunk) {
      let chunk = content[start..<min(start + GuestAgent.writeChunk, content.count)]
      let written: AgentMessage.Written = try await agent.call(
        "guest-file-write", AgentMessage.WriteFile(handle: handle, content: Data(chunk)),
        attempt: attempt)
      guard written.count == chunk.count else {
        throw HypervisorError(
          .agent, attempt: attempt,
          problem: "the guest took \(written.count) of \(chunk.count) bytes",
          mend: "Give the guest more memory: its files live there")
      }
    }
    try await close(handle, attempt: attempt)
    try await shell(Self.moveIntoPlace, [path, Self.octal(mode)], attempt: attempt)
  }

  private static let moveIntoPlace = "chmod \"$1\" \"$0.part\" && mv -f \"$0.part\" \"$0\""

  private static func octal(_ mode: UInt16) -> String { String(mode & 0o7777, radix: 8) }

  private func openToWrite(_ path: String, attempt: String) async throws(HypervisorError) -> Int64 {
    let open = AgentMessage.OpenFile(path: path + ".part", mode: "w")
    do {
      return try await agent.call("guest-file-open", open, attempt: attempt)
    } catch {
      guard error.kind == .agent, let slash = path.lastIndex(of: "/"), slash > path.startIndex
      else { throw error }
      try await shell("mkdir -p \"$0\"", [String(path[..<slash])], attempt: attempt)
      return try await agent.call("guest-file-open", open, attempt: attempt)
    }
  }

  private func pushByChannel(
    _ content: [UInt8], to path: String, mode: UInt16, attempt: String
  ) async throws(HypervisorError) {
    let script =
      "mkdir -p \"${0%/*}/\" && "
      + "dd bs=\"$2\" count=1 iflag=fullblock of=\"$0.part\" 2>/dev/null && "
      + Self.moveIntoPlace
    let run = try await run(
      attempt: attempt,
      ["/bin/busybox", "sh", "-c", script, path, Self.octal(mode), String(content.count)],
      environment: [:], limits: ProgramLimits(idle: .seconds(60), total: .seconds(60)))
    try await run.send(bytes: content)
    let exit = try await run.exit()
    guard exit.status == 0 else {
      throw HypervisorError(
        .agent, attempt: attempt, problem: "the guest could not write it: \(exit.standardError)",
        mend: "Give the guest more memory: its files live there")
    }
  }

  /// Reads a file of the guest.
  ///
  /// - Parameter limit: most bytes to take; a longer file is an error.
  public func pull(
    _ path: String, limit: Int = 16 << 20
  ) async throws(HypervisorError) -> [UInt8] {
    let attempt = "pull \(path) out of the guest"
    let handle: Int64 = try await agent.call(
      "guest-file-open", AgentMessage.OpenFile(path: path, mode: "r"), attempt: attempt)
    var content: [UInt8] = []
    while true {
      let part: AgentMessage.ReadResult = try await agent.call(
        "guest-file-read", AgentMessage.ReadFile(handle: handle, count: GuestAgent.readChunk),
        attempt: attempt)
      guard content.count + part.content.count <= limit else {
        try? await close(handle, attempt: attempt)
        throw HypervisorError(
          .limitExceeded, attempt: attempt, problem: "it has more than \(limit) bytes")
      }
      content += part.content
      if part.eof || part.content.isEmpty { break }
    }
    try? await close(handle, attempt: attempt)
    return content
  }

  /// Runs a program to its end.
  ///
  /// Its output passes through the guest agent in one message, which libvirt limits: above about 7
  /// MB this fails and costs the guest its agent. A program that writes more writes a file, which
  /// `pull` gets, or is run by `runProgram`.
  ///
  /// - Parameter limit: after this long the program is killed and `.timeout` thrown.
  public func execute(
    _ path: String, _ arguments: [String] = [], environment: [String: String] = [:],
    limit: Duration = .seconds(30)
  ) async throws(HypervisorError) -> ExecutionResult {
    let attempt = "run \(path) in the guest"
    let process = try await agent.start(
      path, arguments, environment, capture: true, attempt: attempt)
    return try await result(of: process, limit: limit, attempt: attempt)
  }

  /// Starts a program that goes on by itself, until ``stop(_:limit:)``.
  public func start(
    _ path: String, _ arguments: [String] = [], environment: [String: String] = [:]
  ) async throws(HypervisorError) -> GuestProcess {
    let attempt = "start \(path) in the guest"
    let id = try await agent.start(path, arguments, environment, capture: true, attempt: attempt)
    return GuestProcess(id: id, path: path)
  }

  /// Asks a program that was started to end (SIGTERM), and waits for that.
  ///
  /// - Parameter limit: after this long the program is killed and `.timeout` thrown.
  public func stop(
    _ process: GuestProcess, limit: Duration = .seconds(30)
  ) async throws(HypervisorError) -> ExecutionResult {
    let attempt = "end \(process.path) in the guest"
    _ = try await execute("/bin/busybox", ["kill", "-TERM", String(process.id)])
    return try await result(of: process.id, limit: limit, attempt: attempt)
  }

  /// Waits for a program's end, and ends it if that does not come.
  private func result(
    of process: Int64, limit: Duration, attempt: String
  ) async throws(HypervisorError) -> ExecutionResult {
    let status: AgentMessage.Status?
    do {
      status = try await agent.wait(for: process, until: .now + limit, attempt: attempt)
    } catch {
      if error.kind == .cancelled { _ = await agent.kill(process, within: .zero) }
      throw error
    }
    guard let status else {
      let isDead = await agent.kill(process, within: .seconds(2))
      throw HypervisorError(
        .timeout, attempt: attempt,
        problem: "it was still running after \(limit) and "
          + (isDead ? "was killed" : "can't be killed"))
    }
    return ExecutionResult(
      status: status.code, output: Array(status.output ?? Data()),
      error: Array(status.error ?? Data()))
  }

  /// Starts a program whose standard input and output are the program channel. One at a time.
  ///
  /// - Parameters:
  ///   - path: the program, in the guest.
  ///   - limits: when to give up.
  public func runProgram(
    _ path: String, _ arguments: [String] = [], environment: [String: String] = [:],
    limits: ProgramLimits = ProgramLimits()
  ) async throws(HypervisorError) -> ProgramRun {
    try await run(
      attempt: "run \(path) in the guest", [path] + arguments, environment: environment,
      limits: limits)
  }

  private func run(
    attempt: String, _ command: [String], environment: [String: String], limits: ProgramLimits
  ) async throws(HypervisorError) -> ProgramRun {
    if let end = hub.end { throw end.error(attempt: attempt, log: qemuLog) }
    let run = try ProgramRun(attempt: attempt, limits: limits, channel: channel)
    try await takeChannel(for: run)
    let process: Int64
    do throws(HypervisorError) {
      // The shell leads a session of its own, by which what it started is found and ended.
      process = try await agent.start(
        "/bin/busybox",
        ["setsid", "/bin/busybox", "sh", "-c", run.script, run.token] + command,
        environment.merging(["PATH": "/bin:/sbin:/usr/bin:/usr/sbin"]) { given, _ in given },
        capture: true, attempt: attempt)
    } catch {
      program.withLock { $0 = nil }
      throw error
    }
    run.begin()
    let watches = [watchEvents(run, process), watchBegin(run, process)]
    run.setExit(Task { await self.end(of: run, process, watches) })
    return run
  }

  /// Makes `run` the channel's program. An earlier one that is over may still be cleaned up after.
  private func takeChannel(for run: ProgramRun) async throws(HypervisorError) {
    while true {
      let holder = program.withLock { program -> ProgramRun? in
        if program == nil { program = run }
        return program
      }
      guard let holder, holder !== run else { return }
      guard holder.isOver else {
        throw HypervisorError(
          .agent, attempt: run.attempt, problem: "another program has the program channel",
          mend: "Wait for its exit")
      }
      _ = try? await holder.exit()
    }
  }

  private static let killed = "it was killed inside the guest"
  private static let lookForMemory = "See the console: the guest may be out of memory"

  /// Ends the run when the guest ends, panics or lets go of the channel without a last word.
  private func watchEvents(_ run: ProgramRun, _ process: Int64) -> Task<Void, Never> {
    let events = hub.events(fromNow: true)
    return Task { [self] in
      for await event in events {
        switch event {
        case .ended(let end): run.stop(end.error(attempt: run.attempt, log: qemuLog))
        case .finding(let finding) where finding.kind == .panic:
          let end = GuestEnd(cause: .died, panic: finding)
          run.stop(end.error(attempt: run.attempt, log: qemuLog))
        case .programChannel(open: false) where run.hasBegun:
          // Its last line comes by another way, and may still be on it; or the event is late and
          // tells of an earlier program.
          try? await Task.sleep(for: .seconds(1))
          let status = try? await agent.wait(for: process, until: .now, attempt: run.attempt)
          guard (status ?? nil) != nil else { continue }
          run.stop(
            HypervisorError(
              .programEnded, attempt: run.attempt, problem: Self.killed,
              mend: Self.lookForMemory))
        case .started, .agent, .programChannel, .finding: continue
        }
      }
    }
  }

  /// Ends the run if its shell could not even open the channel: there is no event for that.
  private func watchBegin(_ run: ProgramRun, _ process: Int64) -> Task<Void, Never> {
    Task { [self] in
      while true {
        do { try await Task.sleep(for: .milliseconds(500)) } catch { return }
        if run.hasBegun { return }
        let status = try? await agent.wait(for: process, until: .now, attempt: run.attempt)
        guard let ended = status ?? nil, !run.hasBegun else { continue }
        if ended.signal != nil {
          run.stop(
            HypervisorError(
              .programEnded, attempt: run.attempt, problem: Self.killed, mend: Self.lookForMemory))
          return
        }
        let reason = String(decoding: (ended.error ?? Data()).prefix(200), as: UTF8.self)
        let isBusy = reason.contains("busy")
        run.stop(
          HypervisorError(
            isBusy ? .programStuck : .agent, attempt: run.attempt,
            problem: isBusy
              ? "what an earlier program started still has the program channel"
              : "the guest can't open the program channel: \(reason)",
            mend: isBusy
              ? "Have that program wait for its children, or close what it gives them"
              : "Check that the initramfs has /dev/virtio-ports and busybox"))
        return
      }
    }
  }

  private func end(
    of run: ProgramRun, _ process: Int64, _ watches: [Task<Void, Never>]
  ) async -> Result<ProgramExit, HypervisorError> {
    let outcome = await run.outcome()
    for watch in watches { watch.cancel() }
    defer { program.withLock { $0 = nil } }
    switch outcome {
    case .success(let status):
      // The shell ends right after its last line.
      let ended = try? await agent.wait(
        for: process, until: .now + .seconds(2), attempt: run.attempt)
      let error = (ended ?? nil)?.error ?? Data()
      // Who was killed, by the kernel for want of memory say, has not seen to its children. Others
      // may leave some on purpose.
      if status > 128 { _ = await agent.kill(process, within: run.limits.death) }
      return .success(
        ProgramExit(status: status, standardError: String(decoding: error, as: UTF8.self)))
    case .failure(let error):
      guard hub.end == nil, error.kind != .guestPanicked else { return .failure(error) }
      // Who interrupts does not wait.
      let patience = error.kind == .cancelled ? .zero : run.limits.death
      if await agent.kill(process, within: patience) { return .failure(error) }
      return .failure(
        HypervisorError(
          .programStuck, attempt: run.attempt,
          problem: "\(error.problem), and a kill did not end it",
          mend: "The guest's kernel holds it: see the end of the console"))
    }
  }

  private func close(_ handle: Int64, attempt: String) async throws(HypervisorError) {
    _ = try await agent.call(
      "guest-file-close", AgentMessage.FileHandle(handle: handle), attempt: attempt,
      as: AgentMessage.Nothing.self)
  }

  private func shell(
    _ script: String, _ arguments: [String], attempt: String
  ) async throws(HypervisorError) {
    let result = try await execute("/bin/busybox", ["sh", "-c", script] + arguments)
    guard result.status == 0 else {
      throw HypervisorError(
        .agent, attempt: attempt, problem: "`\(script)`: \(result.errorText.prefix(200))")
    }
  }
}

extension AgentMessage.Status {
  /// The status as a shell has it.
  fileprivate var code: Int32 { exitCode ?? signal.map { 128 &+ $0 } ?? -1 }
}
