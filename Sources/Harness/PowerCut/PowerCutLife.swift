// SPDX-License-Identifier: Apache-2.0

import Foundation
import Hypervisor
import PCIInspection
import PeerGPU
import Topology
import Verification

/// One life of a guest whose power is cut: its program looks at what the life before left, then writes
/// through the GPU until QEMU is killed.
struct PowerCutLife: Sendable {
  let request: RunRequest
  let session: GuestSession
  let tree: PCITree
  let gpus: GuestGPUs
  /// Gets every line of the program.
  let log: FileHandle
  /// When the power goes; nil for the last life, which only looks.
  let moment: CutSchedule.Moment?
  /// Which life it is, from 0.
  let number: Int

  /// What was seen of a life.
  struct Account: Sendable {
    /// What the program said.
    var testimony = ProgramTranscript().finish()
    /// What has to be on the disks after it.
    var writes: AcknowledgedWrites
    /// What the GPU did while the program wrote.
    var window: GPUWindow?
    /// Where its data came from and went, as the program claims.
    var claim: DMAClaim?
    /// The power was cut.
    var wasCut = false
    /// Why the life ended before its time.
    var interruption: String?
  }

  /// The GPU that writes: the first one.
  private var gpu: String { request.topology.gpus.first?.id ?? "" }

  /// Lives, and dies.
  ///
  /// - Parameter before: what was acknowledged in the lives before; nil for the first life.
  /// - Throws: what ends a run without a verdict.
  func live(after before: AcknowledgedWrites?) async throws -> Account {
    let volumes = request.topology.namespaces.map(\.id)
    var account = Account(writes: before ?? AcknowledgedWrites(volumes: volumes))
    account.writes.forgetCounts()
    var transcript = ProgramTranscript()
    var cut: Task<GPUCounters?, Never>?
    do {
      let program = try await session.guest.runProgram(
        GuestSession.path(of: request.suite.program ?? ""), arguments(before),
        limits: ProgramLimits(idle: request.silenceLimit, total: request.suiteLimit))
      let exit = try await program.exit { line in
        try session.directory.guarding("write ktap.log in") {
          try log.write(contentsOf: Data((line + "\n").utf8))
        }
        let event = transcript.take(line)
        // Only the case that writes is about all volumes.
        let writing = transcript.current?.volume.isEmpty == true
        switch event {
        case .gpu(let edge):
          if writing, edge.side == .begin {
            account.window = gpus.devices[gpu].map {
              GPUWindow(gpu: gpu, begin: $0.counters())
            }
            account.claim = edge.claim
          } else if writing, moment != nil, cut == nil {
            // It wrote for as long as it had to, and too slowly for the moment that was planned.
            cut = cutPower(after: .zero)
          }
          try await program.send("go")
        case .acknowledgment(let write):
          if let problem = account.writes.take(write, counts: writing) {
            transcript.note(violation: problem)
          }
          if let moment, cut == nil, account.writes.count >= moment.acknowledgments {
            cut = cutPower(after: moment.delay)
          }
        default: break
        }
      }
      account.interruption = SuiteExecution.interruption(exit)
    } catch let error as HypervisorError {
      if cut == nil || error.kind == .cancelled {
        guard SuiteExecution.observed.contains(error.kind) else { throw error }
        account.interruption = error.description
      }
    }
    if let cut {
      account.window?.end = await cut.value
      account.wasCut = true
      account.interruption = nil
    }
    account.testimony = transcript.finish()
    return account
  }

  /// Cuts the power in a moment, while what the program says until then is still heard.
  ///
  /// - Returns: the counters of the GPU that wrote, from just before.
  private func cutPower(after delay: Duration) -> Task<GPUCounters?, Never> {
    let device = gpus.devices[gpu]
    let guest = session.guest
    return Task {
      try? await Task.sleep(for: delay)
      let counters = device?.counters()
      await guest.cutPower()
      return counters
    }
  }

  private func arguments(_ before: AcknowledgedWrites?) -> [String] {
    var request = request
    request.topology.gpus = Array(request.topology.gpus.prefix(1))
    request.effort.seed &+= UInt64(number)
    if moment == nil { request.only = ["*.verify", "*.check"] }
    return GuestProgramArguments(
      request: request, suite: request.suite, addresses: tree.resolve(request.topology)
    ).list + (before?.arguments ?? [])
  }
}
