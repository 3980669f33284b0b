// SPDX-License-Identifier: Apache-2.0

import Artifacts
import Foundation
import Hypervisor
import PCIInspection
import PeerGPU
import Topology
import Verification

/// One run: from a topology to a verdict. Composes everything; each step hands a value to the next.
public struct Run: Sendable {
  let request: RunRequest
  let workshop: Workshop
  let progress: ProgressHandler

  /// Prepares nothing yet.
  public init(
    _ request: RunRequest, workshop: Workshop, progress: @escaping ProgressHandler = { _ in }
  ) {
    self.request = request
    self.workshop = workshop
    self.progress = progress
  }

  /// Boots the guest, runs the suite, verifies, and leaves the logs in the run directory. The record
  /// is not written: whoever reports on it does that last.
  ///
  /// - Throws: `RequestError`, `EnvironmentError`, or the error of the module that failed. A suite
  ///   that ends early because the guest's kernel panicked or hung is a verdict, not an error.
  public func execute() async throws -> FinishedRun {
    let parts = try await RunParts.gather(for: request, from: workshop, progress: progress)
    let directory = try RunDirectory.create(request.output)
    defer { parts.removeImages(of: directory) }
    progress(RunProgress(label: "Open libvirt"))
    let hypervisor = try await Hypervisor.open(
      request.location, cache: workshop.store.root.appending("libvirt").string)
    do {
      let run = try await boot(parts, directory, hypervisor)
      await hypervisor.close()
      return run
    } catch {
      await hypervisor.close()
      throw error
    }
  }

  private func boot(
    _ parts: RunParts, _ directory: RunDirectory, _ hypervisor: Hypervisor
  ) async throws -> FinishedRun {
    try await parts.copyImages(to: directory, supervisor: hypervisor.supervisor)
    var videoMemory: [String: VideoMemory] = [:]
    for gpu in request.topology.gpus {
      videoMemory[gpu.id] = try VideoMemory(size: gpu.videoMemory.bytes)
    }
    let accelerator = await workshop.accelerator(
      kernel: parts.kernel.path.string, initramfs: parts.initramfs.string)

    var phases = PhaseClock()
    var timings = RunRecord.Timings()
    progress(RunProgress(label: "Boot the guest", detail: "under \(accelerator.rawValue)"))
    let session = try await GuestSession.boot(
      request, parts: parts, directory: directory, on: hypervisor, videoMemory: videoMemory,
      accelerator: accelerator)
    timings.boot = phases.lap()
    do {
      progress(RunProgress(label: "Push the programs"))
      try await session.push(parts.programs)
      let tree = try await session.inspectPCI()
      timings.push = phases.lap()

      let suite = SuiteExecution(
        request: request, session: session, tree: tree, videoMemory: videoMemory,
        progress: progress)
      let observation = try await suite.execute()
      timings.run = phases.lap()

      progress(RunProgress(label: "Stop the guest"))
      await session.guest.shutdown()
      timings.stop = phases.lap()

      progress(RunProgress(label: "Verify"))
      let console = session.guest.console.findings
      let assessment = RunAssessment(
        request: request, directory: directory, tree: tree, observation: observation,
        console: console)
      let cases = try assessment.cases()
      timings.verify = phases.lap()
      return FinishedRun(
        directory: directory,
        record: assessment.record(
          cases: cases, timings: timings,
          environment: RunEnvironment.current(accelerator, hypervisor),
          kernel: parts.kernel))
    } catch {
      await session.guest.destroy()
      throw error
    }
  }
}

/// A run that came to a verdict.
public struct FinishedRun: Sendable {
  /// Where its logs are.
  public let directory: RunDirectory
  /// What goes into `run.json`.
  public let record: RunRecord

  /// Writes the reports, and at last `run.json`, which makes the directory complete.
  public func complete(with reports: [(name: String, content: Data)]) throws {
    for report in reports { try directory.write(report.content, named: report.name) }
    try directory.write(record.encoded(), to: .record)
  }
}
