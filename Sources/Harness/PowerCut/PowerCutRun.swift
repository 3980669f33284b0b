// SPDX-License-Identifier: Apache-2.0

import Foundation
import Hypervisor
import PCIInspection
import PeerGPU
import Topology
import Verification

/// Many lives of one guest, with the same disks: each but the last ends with a power cut, and each but
/// the first finds out what that left.
struct PowerCutRun: Sendable {
  let request: RunRequest
  let parts: RunParts
  /// Of the run; each life has its logs below it.
  let directory: RunDirectory
  let hypervisor: Hypervisor
  let accelerator: GuestDescription.Accelerator
  let progress: ProgressHandler

  /// What is known by the end.
  private struct Story {
    var cases: [CaseRecord] = []
    var console: [RunRecord.ConsoleReport] = []
    var timings = RunRecord.Timings()
    var retries: [BootRetry] = []
    var interruption: String?
    var faults: [String] = []
    /// Of the life before: what has to be on the disks, and what the GPU did for it.
    var writes: AcknowledgedWrites?
    var activity: GPUActivity?
    /// Acknowledged writes of all lives.
    var acknowledged = 0

    func isOver(behind iommu: RunRecord.IOMMUDomain?) -> Bool {
      interruption != nil || !faults.isEmpty
        || console.contains { $0.isFatal(iommu: iommu) }
        || cases.contains { $0.outcome.kind == .failed }
    }
  }

  /// Lives through all cuts, or to the first that lost something.
  ///
  /// - Returns: the record, with the logs of the last life in the run directory, and those of the life
  ///   before it in `before`.
  func run() async throws -> RunRecord {
    var schedule = CutSchedule(seed: request.effort.seed)
    var story = Story()
    let cuts = Int(request.effort.rounds)
    for number in 0...cuts where !story.isOver(behind: request.iommuDomain) {
      let heard = "\(story.acknowledged) acknowledged writes"
      progress(
        RunProgress(
          label: "Suite \(request.suite.rawValue)",
          fraction: Double(number) / Double(cuts + 1),
          detail: number == 0 ? "the first boot" : "after cut \(number) of \(cuts), \(heard)"))
      try await live(number, number < cuts ? schedule.next() : nil, &story)
    }
    try keepLogs()
    var record = RunRecord(
      suite: request.suite.rawValue, topology: request.topology,
      topologyFile: request.topologyPath, strict: request.strict, options: request.options,
      cases: story.cases, interruption: story.interruption, faults: story.faults,
      timings: story.timings, environment: RunEnvironment.current(accelerator, hypervisor, request),
      kernel: RunRecord.Kernel(
        release: parts.kernel.release, origin: parts.kernel.origin, flavour: parts.kernel.flavour),
      seeds: [request.suite.rawValue: request.effort.seed], console: story.console)
    for retry in story.retries { record.add(retry) }
    return record
  }

  private func live(
    _ number: Int, _ moment: CutSchedule.Moment?, _ story: inout Story
  ) async throws {
    let place = try newPlace()
    let booted = try await GuestBoot(
      request: request, parts: parts, directory: place, oldDisks: directory,
      hungConsole: "\(directory.path)/console-life-\(number + 1)-boot-1.log",
      hypervisor: hypervisor, accelerator: accelerator, progress: progress
    ).start()
    let (session, gpus) = (booted.session, booted.gpus)
    defer { gpus.stop() }
    if let retry = booted.retry { story.retries.append(retry) }
    story.timings.boot += booted.seconds
    var clock = PhaseClock()
    do {
      try await session.push(parts.programs)
      let tree = try await session.inspectPCI()
      try gpus.attach(to: session.guest, tree: tree, topology: request.topology)
      story.timings.push += clock.lap()
      let log = try place.log(.ktap)
      defer { try? log.close() }
      let account = try await PowerCutLife(
        request: request, session: session, tree: tree, gpus: gpus, log: log, moment: moment,
        number: number
      ).live(after: story.writes)
      story.timings.run += clock.lap()
      if !account.wasCut { await session.guest.shutdown() }
      gpus.stop()
      story.timings.stop += clock.lap()
      try take(account, number, tree, place, &story)
      story.console += session.guest.console.findings.map {
        RunRecord.ConsoleReport(
          kind: $0.kind.rawValue, line: $0.line, text: "in life \(number + 1): \($0.text)")
      }
      story.timings.verify += clock.lap()
    } catch {
      await session.guest.destroy()
      throw error
    }
  }

  /// Takes what a life found of the one before, and what it did itself.
  private func take(
    _ account: PowerCutLife.Account, _ number: Int, _ tree: PCITree, _ place: RunDirectory,
    _ story: inout Story
  ) throws {
    if let interruption = account.interruption {
      story.interruption = "In life \(number + 1): \(interruption)"
    }
    if number > 0 {
      judge(account, cut: number, &story)
    } else {
      story.faults += account.testimony.cases.compactMap { Self.fault($0, "before any cut") }
    }
    // The program says why it could not write, if it came to that.
    story.faults += account.testimony.cases.filter(\.header.volume.isEmpty)
      .compactMap { Self.fault($0, "in life \(number + 1)") }
    let violations = account.testimony.violations + account.testimony.cases.flatMap(\.violations)
    if let violation = violations.first, story.interruption == nil {
      story.faults.append("The guest program broke the protocol: \(violation).")
    }
    story.writes = account.writes
    story.acknowledged += account.writes.count
    story.activity = try activity(of: account, tree, place)
  }

  /// What a life found of the cut before it, volume by volume.
  private func judge(_ account: PowerCutLife.Account, cut: Int, _ story: inout Story) {
    let assessment = PowerCutAssessment(topology: request.topology, path: request.path ?? .auto)
    for namespace in request.topology.namespaces {
      var activity = story.activity
      activity?.acknowledged = UInt64(story.writes?.counts[namespace.id] ?? 0)
      var record = assessment.record(
        number: story.cases.count + 1, cut: cut, volume: namespace.id,
        gpu: request.topology.gpus.first?.id ?? "", cases: account.testimony.cases,
        activity: activity)
      record.suite = request.suite.rawValue
      story.cases.append(record)
    }
  }

  /// What a case failed with, as a sentence.
  private static func fault(_ item: CaseObservation, _ when: String) -> String? {
    guard case .failed(let reason) = item.result?.status else { return nil }
    return "\(item.header.name), \(when): \(item.diagnostic ?? reason)"
  }

  /// What the GPU did before the cut, with the paths of its data.
  private func activity(
    of account: PowerCutLife.Account, _ tree: PCITree, _ place: RunDirectory
  ) throws -> GPUActivity? {
    guard let window = account.window, let claim = account.claim else { return nil }
    var activity = window.activity(GPUObservation(claim: claim))
    let bus = try BusMap(topology: request.topology, tree: tree)
    let trace = NVMeTrace(log: try place.content(of: .trace))
    activity.files = FileTraffic(
      bytes: activity.bytes, pages: nil,
      controllers: DeviceMapAccount(
        topology: request.topology, bus: bus, trace: trace, path: request.path ?? .auto
      ).traffic())
    return activity
  }
}

extension PowerCutRun {
  private static let life = "life"
  private static let before = "before"

  /// A new directory for the logs of a life. Those of the life before stay beside it.
  private func newPlace() throws -> RunDirectory {
    let files = FileManager.default
    let (life, before) = ("\(directory.path)/\(Self.life)", "\(directory.path)/\(Self.before)")
    try directory.guarding("make room for the logs of another life in") {
      if files.fileExists(atPath: life) {
        try? files.removeItem(atPath: before)
        try files.moveItem(atPath: life, toPath: before)
      }
      try files.createDirectory(atPath: life, withIntermediateDirectories: false)
    }
    return RunDirectory(existing: life)
  }

  /// Moves the logs of the last life to where every run has them.
  private func keepLogs() throws {
    let files = FileManager.default
    let life = "\(directory.path)/\(Self.life)"
    try directory.guarding("keep the logs of the last life in") {
      for name in try files.contentsOfDirectory(atPath: life) {
        try files.moveItem(atPath: "\(life)/\(name)", toPath: "\(directory.path)/\(name)")
      }
      try files.removeItem(atPath: life)
    }
  }
}
