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
  let session: GuestSession
  let tree: PCITree
  let videoMemory: [String: VideoMemory]
  let progress: ProgressHandler

  /// Most cases that a program may announce or begin.
  private static let caseLimit = 10_000

  /// Everything that was seen of the suite.
  struct Observation: Sendable {
    /// By case number.
    var cases: [Int: CaseAssessment.Observation] = [:]
    var files: [FileReport] = []
    /// How many cases the program announced; 0 if it never did.
    var announced = 0
    /// Why the suite did not come to its end.
    var interruption: String?
  }

  /// Runs the program to its end.
  ///
  /// - Throws: what ends a run without a verdict: cancellation, a dead QEMU, a full disk. A panic, a
  ///   hang or a program that dies is an observation.
  func execute() async throws -> Observation {
    let arguments = GuestProgramArguments(
      request: request, addresses: tree.resolve(request.topology))
    let log = try session.directory.log(.ktap)
    defer { try? log.close() }
    var observation = Observation()
    do {
      let program = try await session.guest.runProgram(
        GuestSession.path(of: request.suite.program), arguments.list,
        limits: ProgramLimits(idle: request.silenceLimit, total: .seconds(1800)))
      for try await line in program.lines {
        try session.directory.guarding("write ktap.log in") {
          try log.write(contentsOf: Data((line + "\n").utf8))
        }
        if try take(line, into: &observation) {
          try await program.send("go")
        }
      }
      let exit = try await program.exit()
      observation.interruption = Self.interruption(exit, observation)
    } catch let error as HypervisorError {
      guard [.guestPanicked, .guestSilent, .timeout, .limitExceeded].contains(error.kind) else {
        throw error
      }
      observation.interruption = error.description
    } catch let error as ProtocolViolation {
      observation.interruption = "The guest program broke the protocol: \(error)."
    }
    return observation
  }

  /// 0: all passed, 1: some failed; the host has its own opinion. Anything else is the program's end.
  private static func interruption(_ exit: ProgramExit, _ observation: Observation) -> String? {
    guard exit.status == 0 || exit.status == 1 else {
      let reason =
        exit.standardError.split(separator: "\n").last.map { ": \($0.prefix(300))" } ?? ""
      return "The guest program ended with status \(exit.status)\(reason)."
    }
    let done = observation.cases.values.count { $0.result != nil }
    guard done == observation.announced else {
      return "The guest program announced \(observation.announced) cases, but ended \(done)."
    }
    return nil
  }

  /// Takes one line of the program.
  ///
  /// - Returns: whether the program waits for an answer.
  private func take(_ line: String, into observation: inout Observation) throws -> Bool {
    switch try ProgramEvent(line: line) {
    case .plan(let cases):
      guard (0...Self.caseLimit).contains(cases) else {
        throw ProtocolViolation("it announces \(cases) cases")
      }
      observation.announced = cases
    case .begin(let header):
      // Compared one by one: a range up to a plan that never came would trap.
      guard header.n >= 1, header.n <= observation.announced, observation.cases[header.n] == nil
      else {
        throw ProtocolViolation("case \(header.n) is not of the plan, or began twice")
      }
      observation.cases[header.n] = CaseAssessment.Observation(header: header)
      progress(
        RunProgress(
          label: "Suite \(request.suite.rawValue)",
          fraction: Double(header.n - 1) / Double(max(observation.announced, 1)),
          detail: "\(header.n)/\(observation.announced) \(header.name.prefix(80))"))
    case .inspect(let inspection):
      guard observation.cases[inspection.n] != nil else {
        throw ProtocolViolation("it asks for a look at case \(inspection.n), which never began")
      }
      if let difference = try difference(inspection),
        observation.cases[inspection.n]?.hostDifferences[inspection.phase] == nil
      {
        observation.cases[inspection.n]?.hostDifferences[inspection.phase] =
          "in the host's view of \(inspection.peer), \(difference)"
      }
      return true
    case .phase(let report):
      guard let known = observation.cases[report.n], known.phases[report.phase] == nil else {
        throw ProtocolViolation("a phase of case \(report.n) came twice, or before the case")
      }
      observation.cases[report.n]?.phases[report.phase] = report
    case .file(let report):
      guard observation.files.count < Self.caseLimit else {
        throw ProtocolViolation("it reports too many files")
      }
      observation.files.append(report)
    case .result(let result):
      guard let known = observation.cases[result.n], known.result == nil else {
        throw ProtocolViolation("a result of case \(result.n) came twice, or before the case")
      }
      observation.cases[result.n]?.result = result
    case .other: break
    }
    return false
  }

  /// What differs between video memory, as the host sees it, and what the program expects there.
  private func difference(_ inspection: Inspection) throws -> String? {
    guard let memory = videoMemory[inspection.peer],
      let expected = ExpectedContent(inspection.segments.map(\.segment)),
      let offset = Int(exactly: inspection.at), let count = Int(exactly: expected.length),
      let bytes = try? memory.read(at: offset, count: count)
    else {
      throw ProtocolViolation(
        "it asks for a look at memory of \(inspection.peer) that is not there")
    }
    return ContentComparison.difference(of: bytes, from: expected)?.description
  }
}
