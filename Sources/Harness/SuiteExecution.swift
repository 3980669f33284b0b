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

  /// Everything that was seen of the suite.
  struct Observation: Sendable {
    /// What the program said.
    var testimony: ProgramTranscript.Testimony
    /// Why the suite did not come to its end.
    var interruption: String?
  }

  /// Runs the program to its end.
  ///
  /// - Throws: what ends a run without a verdict: a request for cases that the suite does not have,
  ///   cancellation, a dead QEMU, a full disk. A panic, a hang or a program that dies is an
  ///   observation.
  func execute() async throws -> Observation {
    let arguments = GuestProgramArguments(
      request: request, addresses: tree.resolve(request.topology))
    let log = try session.directory.log(.ktap)
    defer { try? log.close() }
    var transcript = ProgramTranscript()
    var interruption: String?
    do {
      let program = try await session.guest.runProgram(
        GuestSession.path(of: request.suite.program), arguments.list,
        limits: ProgramLimits(idle: request.silenceLimit, total: .seconds(1800)))
      for try await line in program.lines {
        try session.directory.guarding("write ktap.log in") {
          try log.write(contentsOf: Data((line + "\n").utf8))
        }
        if take(line, into: &transcript) {
          try await program.send("go")
        }
      }
      interruption = Self.interruption(try await program.exit())
    } catch let error as HypervisorError {
      guard [.guestPanicked, .guestSilent, .timeout, .limitExceeded].contains(error.kind) else {
        throw error
      }
      interruption = error.description
    }
    let testimony = transcript.finish()
    if let pattern = request.only, testimony.planned == 0 {
      throw RequestError(
        """
        No case of the suite \(request.suite.rawValue) on \(request.topology.name) matches \
        --only '\(pattern)'. A case is called VOLUME.PEER.NAME, as in '*.gpu0.read-*'.
        """)
    }
    return Observation(
      testimony: testimony,
      interruption: interruption
        ?? testimony.violations.first.map { "The guest program broke the protocol: \($0)." })
  }

  /// 0: all passed, 1: some failed; the host has its own opinion. Anything else is the program's end.
  private static func interruption(_ exit: ProgramExit) -> String? {
    guard exit.status != 0, exit.status != 1 else { return nil }
    let reason =
      exit.standardError.split(separator: "\n").last.map { ": \($0.prefix(300))" } ?? ""
    return "The guest program ended with status \(exit.status)\(reason)."
  }

  /// Takes one line of the program.
  ///
  /// - Returns: whether the program waits for an answer.
  private func take(_ line: String, into transcript: inout ProgramTranscript) -> Bool {
    switch transcript.take(line) {
    case .begin(let header):
      let planned = transcript.plannedCases ?? 0
      progress(
        RunProgress(
          label: "Suite \(request.suite.rawValue)",
          fraction: Double(header.n - 1) / Double(max(planned, 1)),
          detail: "\(header.n)/\(planned) \(header.name.prefix(80))"))
    case .inspect(let inspection):
      if let difference = difference(inspection) {
        transcript.note(hostDifference: difference, of: inspection)
      }
      return true
    default: break
    }
    return false
  }

  /// What differs between video memory, as the host sees it, and what the program expects there.
  private func difference(_ inspection: Inspection) -> String? {
    guard let memory = videoMemory[inspection.peer],
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
