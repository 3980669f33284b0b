// SPDX-License-Identifier: Apache-2.0

import Foundation
import GoldenData
import Hypervisor
import PCIInspection
import PeerGPU
import Topology
import Verification

/// Runs a suite's program in the guest: logs what it says, and compares the host's own view of video
/// memory whenever it asks for that.
struct SuiteExecution: Sendable {
  let request: RunRequest
  /// One suite, not several.
  let suite: Suite
  let session: GuestSession
  let tree: PCITree
  let gpus: GuestGPUs
  /// Gets every line of the program.
  let log: FileHandle
  let progress: ProgressHandler

  /// Everything that was seen of the suite.
  struct Observation: Sendable {
    /// Which one.
    var suite: Suite
    /// What the program said.
    var testimony: ProgramTranscript.Testimony
    /// What the GPUs did meanwhile, by case number.
    var windows: [Int: GPUWindow] = [:]
    /// Why the suite did not come to its end.
    var interruption: String?
    /// The cases of programs of others, which are judged as they run.
    var records: [CaseRecord] = []
  }

  /// The program's account and the devices' counters, while the program runs.
  private struct Account {
    var transcript = ProgramTranscript()
    var windows: [Int: GPUWindow] = [:]
  }

  /// Runs the program to its end.
  ///
  /// - Throws: what ends a run without a verdict: cancellation, a dead QEMU, a full disk. A panic, a
  ///   hang or a program that dies is an observation.
  func execute() async throws -> Observation {
    let arguments = GuestProgramArguments(
      request: request, suite: suite, addresses: tree.resolve(request.topology))
    var account = Account()
    var interruption: String?
    do {
      let program = try await session.guest.runProgram(
        GuestSession.path(of: suite.program ?? ""), arguments.list,
        limits: ProgramLimits(idle: request.silenceLimit, total: request.suiteLimit))
      let exit = try await program.exit { line in
        try session.directory.guarding("write ktap.log in") {
          try log.write(contentsOf: Data((line + "\n").utf8))
        }
        if take(line, into: &account) {
          try await program.send("go")
        }
      }
      interruption = Self.interruption(exit)
    } catch let error as HypervisorError {
      guard Self.observed.contains(error.kind) else { throw error }
      interruption = [error.description, Self.way(out: error)].compactMap(\.self)
        .joined(separator: " ")
    }
    let testimony = account.transcript.finish()
    if let planned = testimony.planned, testimony.cases.count < planned {
      interruption = interruption.map {
        "\($0) Of \(planned) cases, \(testimony.cases.count) had begun."
      }
    }
    return Observation(
      suite: suite, testimony: testimony, windows: account.windows,
      interruption: interruption
        ?? testimony.violations.first.map { "The guest program broke the protocol: \($0)." })
  }

  /// The option that gives more of what was not enough.
  static func way(out error: HypervisorError) -> String? {
    switch error.kind {
    case .timeout: "--limit gives a suite more seconds."
    case .guestSilent: "--silence-limit gives it more seconds to say something."
    default: nil
    }
  }

  /// What a kernel under test or a program in it can bring about. The rest is the host's.
  static let observed: Set<HypervisorError.Kind> = [
    .guestEnded, .guestPanicked, .guestSilent, .programEnded, .programStuck, .timeout,
    .limitExceeded,
  ]

  /// 0: all passed, 1: some failed; the host has its own opinion. Anything else is the program's end.
  static func interruption(_ exit: ProgramExit) -> String? {
    guard exit.status != 0, exit.status != 1 else { return nil }
    let reason =
      exit.standardError.split(separator: "\n").last.map { ": \($0.prefix(300))" } ?? ""
    return "The guest program ended with status \(exit.status)\(reason)."
  }

  /// Takes one line of the program.
  ///
  /// - Returns: whether the program waits for an answer.
  private func take(_ line: String, into account: inout Account) -> Bool {
    switch account.transcript.take(line) {
    case .begin(let header):
      let planned = account.transcript.plannedCases ?? 0
      progress(
        RunProgress(
          label: "Suite \(suite.rawValue)",
          fraction: Double(header.n - 1) / Double(max(planned, 1)),
          detail: "\(header.n)/\(planned) \(header.name.prefix(80))"))
    case .inspect(let inspection):
      if let difference = difference(inspection) {
        account.transcript.note(hostDifference: difference, of: inspection)
      }
      return true
    case .gpu(let edge):
      mark(edge, in: &account)
      return true
    case .inject(let request):
      inject(request, in: &account)
      return true
    default: break
    }
    return false
  }

  /// Takes the counters of the case's GPU at the beginning and at the end of its commands.
  private func mark(_ edge: GPUEdge, in account: inout Account) {
    guard let peer = account.transcript.current?.peer, let device = gpus.devices[peer] else {
      return
    }
    let counters = device.counters()
    switch edge.side {
    case .begin: account.windows[edge.n] = GPUWindow(gpu: peer, begin: counters)
    case .end: account.windows[edge.n]?.end = counters
    }
  }

  /// Has the case's GPU misbehave as the program asks, beside what the user has asked for. What it
  /// can't do is a violation.
  private func inject(_ request: InjectionRequest, in account: inout Account) {
    guard let peer = account.transcript.current?.peer, let device = gpus.devices[peer] else {
      return
    }
    do {
      let own = self.request.injection
      let text = request.switches
      device.inject(
        text == "none" ? own : own.adding(try FaultInjection(parsing: text)), resuming: true)
    } catch {
      account.transcript.note(
        violation: "it asks for the injection `\(request.switches.prefix(80))`: \(error)")
    }
  }

  /// What differs between video memory, as the host sees it, and what the program expects there.
  private func difference(_ inspection: Inspection) -> String? {
    guard let memory = gpus.devices[inspection.peer]?.memory,
      let expected = ExpectedContent(inspection.segments.map(\.segment)),
      let offset = Int(exactly: inspection.at), let count = Int(exactly: expected.length),
      let bytes = try? memory.read(at: offset, count: count)
    else {
      return "the program asks for a look at memory of \(inspection.peer) that is not there"
    }
    return ContentComparison.difference(of: bytes, from: expected).map {
      "in the host's view of \(inspection.peer), \($0)"
    }
  }
}
