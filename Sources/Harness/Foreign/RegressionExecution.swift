// SPDX-License-Identifier: Apache-2.0

import Artifacts
import Foundation
import Hypervisor
import Topology
import Verification

/// Runs the suite `regression`: the kernel's own tests, and stressors and jobs of other people's
/// programs on every volume, which is checked at the end.
struct RegressionExecution: Sendable {
  let request: RunRequest
  let cases: [ForeignCase]
  let session: GuestSession
  let log: ForeignLog
  let progress: ProgressHandler

  /// The last lines of a program that are looked at.
  private static let keptLines = 400

  /// What was run so far.
  private struct Account {
    var records: [CaseRecord] = []
    var interruption: String?
    /// What the guest has and has not, by path.
    var found: [String: Bool] = [:]
    /// Huge pages that are reserved.
    var hugePages = 0
  }

  /// Runs all cases that were asked for, or those up to the guest's end.
  func execute() async throws -> SuiteExecution.Observation {
    var account = Account()
    do {
      try await run(into: &account)
    } catch let error as HypervisorError where SuiteExecution.observed.contains(error.kind) {
      // Before the first case.
      account.interruption = error.description
    }
    return SuiteExecution.Observation(
      suite: request.suite, testimony: ProgramTranscript().finish(),
      interruption: account.interruption, records: account.records)
  }

  private func run(into account: inout Account) async throws {
    let volumes = GuestVolume.all(of: request.topology, in: session.guest)
    try log.begin(cases: cases.count)
    let end = ContinuousClock.now + request.suiteLimit
    for (index, item) in cases.enumerated() {
      guard ContinuousClock.now < end else {
        account.interruption =
          "\(index) of \(cases.count) cases ran in the \(request.suiteLimit) that --limit grants."
        break
      }
      progress(
        RunProgress(
          label: "Suite \(request.suite.rawValue)", fraction: Double(index) / Double(cases.count),
          detail: "\(index + 1)/\(cases.count) \(item.name.prefix(80))"))
      try await run(item, number: index + 1, volumes, into: &account)
      if account.interruption != nil { break }
    }
  }

  // MARK: - One case

  private func run(
    _ item: ForeignCase, number: Int, _ volumes: [GuestVolume], into account: inout Account
  ) async throws {
    let volume = item.volume.map { volumes[$0] }
    var record = CaseRecord(
      number: number, name: item.name, volume: volume?.namespace.id ?? "", peer: "",
      operation: .foreign, expectedRoute: .none, outcome: CaseOutcome(.verified))
    var activity = ForeignActivity(
      program: item.program, fileSystem: volume?.namespace.filesystem.rawValue)
    let start = ContinuousClock.now
    do {
      if let need = item.need, try await !has(need.path, &account) {
        record.outcome = CaseOutcome(.skipped, nil, need.reason)
      } else {
        try await reserve(item.hugePages, &account)
        record.outcome = try await outcome(of: item, on: volume, &account)
      }
    } catch let error as HypervisorError where SuiteExecution.observed.contains(error.kind) {
      // Between two programs, as where a volume is unmounted.
      account.interruption = error.description
      record.outcome = CaseOutcome(.failed, .incomplete, error.description)
    }
    activity.seconds = (ContinuousClock.now - start) / .seconds(1)
    record.foreign = activity
    try log.end(record)
    account.records.append(record)
  }

  private func outcome(
    of item: ForeignCase, on volume: GuestVolume?, _ account: inout Account
  ) async throws -> CaseOutcome {
    let place = volume.map { "\($0.directory)/\(item.program)" } ?? "/tmp"
    var device = ""
    do {
      if let volume, item.isOffline {
        device = try await volume.device()
        try await volume.unmount()
      } else if let volume {
        try await volume.mount()
        try await shell("rm -rf \"$0\" && mkdir \"$0\"", place)
      }
      let command = item.command.map {
        $0.replacingOccurrences(of: ForeignCase.directoryWord, with: place)
          .replacingOccurrences(of: ForeignCase.deviceWord, with: device)
      }
      try log.begin(item.name, command: command)
      var lines: [String] = []
      let ending = try await ForeignProgram(guest: session.guest, command: command).run(
        limit: .seconds(item.limit)
      ) { line in
        try log.add(line)
        if lines.count >= Self.keptLines { lines.removeFirst() }
        lines.append(String(line.prefix(ProtocolBounds.diagnostic)))
      }
      switch ending {
      case .exited(let status):
        let outcome = item.judgement.outcome(status: status, lines: lines)
        if volume != nil, !item.isOffline { try await shell("rm -rf \"$0\"", place) }
        return outcome
      case .given(let reason): return CaseOutcome(.failed, .incomplete, reason)
      case .guestLost(let reason):
        account.interruption = reason
        return CaseOutcome(.failed, .incomplete, reason)
      }
    } catch let error as EnvironmentError {
      // The guest's, which may be what the case is about: a file system that can't be mounted.
      return CaseOutcome(.failed, .program, error.description)
    }
  }

  /// Reserves huge pages, or gives them back. A kernel without them says so in the cases.
  private func reserve(_ count: Int, _ account: inout Account) async throws {
    guard count != account.hugePages else { return }
    account.hugePages = count
    _ = try await session.guest.execute(
      "/bin/busybox",
      ["sh", "-c", "echo \"$0\" 2>/dev/null >/proc/sys/vm/nr_hugepages", String(count)])
  }

  private func has(_ path: String, _ account: inout Account) async throws -> Bool {
    if let known = account.found[path] { return known }
    let result = try await session.guest.execute("/bin/busybox", ["test", "-e", path])
    account.found[path] = result.status == 0
    return result.status == 0
  }

  private func shell(_ script: String, _ argument: String) async throws {
    let result = try await session.guest.execute(
      "/bin/busybox", ["sh", "-c", script, argument], limit: .seconds(120))
    guard result.status == 0 else {
      throw EnvironmentError("`\(script)` in the guest: \(result.errorText.prefix(200))")
    }
  }
}
