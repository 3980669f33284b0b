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
  /// - Parameter onClaim: is told where the logs will be, once that is known.
  /// - Throws: `RequestError`, `EnvironmentError`, or the error of the module that failed. A suite
  ///   that ends early because the guest's kernel panicked or hung is a verdict, not an error.
  public func execute(
    onClaim: @Sendable (RunDirectory) -> Void = { _ in }
  ) async throws -> FinishedRun {
    // Whoever mistyped a case is not to wait for a kernel.
    let chosen = request.only.isEmpty ? nil : try await catalogue.items()
    let claim = try RunClaim(request)
    defer { claim.release() }
    let directory = claim.directory
    onClaim(directory)
    // First, since what is wrong with it shows at once, and the parts may take a kernel's build.
    progress(RunProgress(label: "Open libvirt"))
    let hypervisor = try await Hypervisor.open(
      request.location, cache: workshop.libvirtCache)
    do {
      let parts = try await RunParts.gather(for: request, from: workshop, progress: progress)
      defer { parts.removeImages(of: directory, topology: request.topology) }
      let run =
        request.suite == .powerCut
        ? try await cutPower(parts, directory, hypervisor)
        : try await boot(parts, directory, hypervisor, chosen: chosen)
      await hypervisor.close()
      return run
    } catch {
      await hypervisor.close()
      throw error
    }
  }

  /// The cases to run.
  var catalogue: CaseCatalogue { CaseCatalogue(request, workshop: workshop, progress: progress) }

  /// Boots again and again, on the same disks.
  private func cutPower(
    _ parts: RunParts, _ directory: RunDirectory, _ hypervisor: Hypervisor
  ) async throws -> FinishedRun {
    try await parts.copyImages(to: directory, supervisor: hypervisor.supervisor)
    try parts.makePersistentMemory(
      request.topology, in: directory, supervisor: hypervisor.supervisor)
    let accelerator = try await workshop.accelerator(
      kernel: parts.kernel.path.string, initramfs: parts.initramfs.string)
    let record = try await PowerCutRun(
      request: request, parts: parts, directory: directory, hypervisor: hypervisor,
      accelerator: accelerator, progress: progress
    ).run()
    return FinishedRun(directory: directory, record: record)
  }

  private func boot(
    _ parts: RunParts, _ directory: RunDirectory, _ hypervisor: Hypervisor,
    chosen: [CaseCatalogue.Item]?
  ) async throws -> FinishedRun {
    let accelerator = try await workshop.accelerator(
      kernel: parts.kernel.path.string, initramfs: parts.initramfs.string)
    progress(RunProgress(label: "Boot the guest", detail: "under \(accelerator.rawValue)"))
    let booted = try await GuestBoot(
      request: request, parts: parts, directory: directory, hypervisor: hypervisor,
      accelerator: accelerator, progress: progress
    ).start()
    let (session, gpus) = (booted.session, booted.gpus)
    defer { gpus.stop() }
    var phases = PhaseClock()
    var timings = RunRecord.Timings()
    timings.boot = booted.seconds
    do {
      progress(RunProgress(label: "Push the programs"))
      try await session.push(parts.programs)
      let tree = try await session.inspectPCI()
      try gpus.attach(to: session.guest, tree: tree, topology: request.topology)
      timings.push = phases.lap()

      let (observations, traceFault) = try await execute(session, tree, gpus)
      timings.run = phases.lap()

      progress(RunProgress(label: "Stop the guest"))
      await session.guest.shutdown()
      gpus.stop()
      timings.stop = phases.lap()

      progress(RunProgress(label: "Verify"))
      let assessment = RunAssessment(
        request: request, chosen: chosen, directory: directory, tree: tree,
        observations: observations,
        traceFault: traceFault, lastNumbers: gpus.lastNumbers,
        console: session.guest.console.findings)
      var record = try assessment.record(
        environment: RunEnvironment.current(accelerator, hypervisor, request), kernel: parts.kernel)
      timings.verify = phases.lap()
      record.timings = timings
      if let retry = booted.retry { record.add(retry) }
      return FinishedRun(directory: directory, record: record)
    } catch {
      await session.guest.destroy()
      throw error
    }
  }
}

extension Run {
  /// Runs the suites one after the other. The first that does not come to its end is the last.
  ///
  /// - Returns: what was seen, and why the trace of the GPU's driver is not whole, if it isn't.
  private func execute(
    _ session: GuestSession, _ tree: PCITree, _ gpus: GuestGPUs
  ) async throws -> (observations: [SuiteExecution.Observation], traceFault: String?) {
    let log = try session.directory.log(.ktap)
    defer { try? log.close() }
    let driverTrace = request.tracesDriver ? try await session.startDriverTrace() : nil
    var observations: [SuiteExecution.Observation] = []
    for suite in request.suite.members {
      let observation =
        suite.isForeign
        ? try await executeForeign(suite, session, log)
        : try await SuiteExecution(
          request: request, suite: suite, session: session, tree: tree, gpus: gpus, log: log,
          progress: progress
        ).execute()
      observations.append(observation)
      if observation.interruption != nil { break }
    }
    guard let driverTrace else { return (observations, nil) }
    return (observations, try await session.endDriverTrace(driverTrace))
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
