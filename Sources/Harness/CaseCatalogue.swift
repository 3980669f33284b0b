// SPDX-License-Identifier: Apache-2.0

import Artifacts
import PCIInspection
import Synchronization
import SystemPackage
import Topology
import Verification

/// The cases that a run would have, without a guest: the programs of the suites are static and list
/// their cases on the host as well.
public struct CaseCatalogue: Sendable {
  let request: RunRequest
  let workshop: Workshop
  let progress: ProgressHandler

  /// A case of a suite.
  public struct Item: Hashable, Sendable, Codable {
    /// The suite.
    public let suite: String
    /// The name, which `--only` is matched with.
    public let name: String
  }

  /// Prepares nothing yet.
  public init(
    _ request: RunRequest, workshop: Workshop, progress: @escaping ProgressHandler = { _ in }
  ) {
    self.request = request
    self.workshop = workshop
    self.progress = progress
  }

  /// The cases that were asked for, in the order in which they run. Programs that are not in the cache
  /// are built.
  ///
  /// - Throws: `RequestError` if a pattern of `--only` matches none.
  public func items() async throws -> [Item] {
    var items: [Item] = []
    for suite in request.suite.members {
      items += try await names(of: suite).map { Item(suite: suite.rawValue, name: $0) }
    }
    try refuse(request.only.filter { pattern in !items.contains { $0.matches(pattern) } })
    return items
  }

  /// What is wrong with the cases that a guest has run, if they are not those that were chosen.
  static func faults(in cases: [CaseRecord], chosen: [Item]) -> [String] {
    let run = Set(cases.map { Item(suite: $0.suite ?? "", name: $0.name) })
    let missing = chosen.filter { !run.contains($0) }
    let strange = run.subtracting(chosen).sorted { $0.name < $1.name }
    return [("The guest has not run", missing), ("The guest has run, unasked,", strange)]
      .compactMap { words, items in
        items.first.map { first in
          let more = items.count == 1 ? "" : " and \(items.count - 1) more"
          return "\(words) \(first.name) of the suite \(first.suite)\(more)."
        }
      }
  }

  private func names(of suite: Suite) async throws -> [String] {
    switch suite {
    case .regression: try await regressionCases().map(\.name)
    case .xfstests:
      try request.xfstestsPlan().flatMap { fileSystem, tests in
        tests.map { XfstestsExecution.caseName($0, fileSystem) }
      }
    case .powerCut:
      throw RequestError(
        """
        --list: the suite power-cut has no cases to choose from. Each of the cuts, of which --rounds \
        is the number, is one for each volume.
        """)
    case .p2pdma, .gpu, .deviceMap, .all:
      try await list(
        "/usr/bin/timeout",
        [
          Self.listLimit, workshop.program(suite.program ?? "", progress: progress).string,
        ] + GuestProgramArguments(request: request, suite: suite, addresses: places).list
          + ["--list"])
    }
  }

  /// The cases of the suite `regression`. The last ones look at the volumes that the others used.
  func regressionCases() async throws -> [ForeignCase] {
    let recipe = try workshop.regressionRecipe()
    var cases = recipe.kunit.map(ForeignCase.result(of:))
    for test in recipe.kselftests where request.mightChoose(prefix: "\(test.name).") {
      let path = try await workshop.kselftest(test, of: request.kernel, progress: progress)
      let lines = try await list(
        "/bin/sh", Self.kselftestLister + [Self.listLimit, path.string])
      do {
        let names = try KselftestList.names(lines.joined(separator: "\n"))
        cases += ForeignCase.cases(of: test, named: names)
      } catch {
        throw EnvironmentError("The test \(test.name) does not list its cases: \(error).")
      }
    }
    let volumes = request.topology.nvme.flatMap(\.namespaces)
    for program in recipe.programs {
      cases += ForeignCase.cases(of: program, on: volumes.map(\.id))
    }
    cases = cases.filter { request.chooses($0.name) }
    let used = Set(cases.compactMap(\.volume)).sorted()
    return cases + used.map { ForeignCase.check(of: volumes[$0], at: $0) }
  }

  /// A place for each device: the programs want one, though what they list does not depend on it.
  private var places: [String: PCIAddress] {
    let devices = request.topology.nvme.map(\.id) + request.topology.gpus.map(\.id)
    let places = devices.enumerated().compactMap { index, id in
      PCIAddress(bus: UInt8(truncatingIfNeeded: index + 1), device: 0).map { (id, $0) }
    }
    return Dictionary(places) { first, _ in first }
  }

  /// Runs a program with a limit; the list that kselftest_harness.h gives goes to standard error, and
  /// then it exits as if all tests had been skipped (`KSFT_SKIP` of kselftest.h).
  private static let kselftestLister = [
    "-c", #"timeout "$0" "$1" -l 2>&1 >/dev/null; [ $? -eq 4 ]"#,
  ]

  /// Seconds in which a program has listed its cases; it does nothing else.
  private static let listLimit = "30"

  /// What a program says, line by line.
  private func list(_ program: FilePath, _ arguments: [String]) async throws -> [String] {
    let lines = Mutex<[String]>([])
    let outcome = try await Command(program, arguments).run { line in
      lines.withLock { $0.append(line) }
    }
    let all = lines.withLock(\.self)
    guard outcome.succeeded else {
      throw EnvironmentError(
        """
        `\(([program.string] + arguments).joined(separator: " "))` lists no cases (status \
        \(outcome.status)): \(all.last.map { String($0.prefix(300)) } ?? "it says nothing").
        """)
    }
    return all
  }

  private func refuse(_ patterns: [String]) throws(RequestError) {
    // The groups of xfstests are no patterns; its tests were looked for already.
    guard !patterns.isEmpty, request.suite != .xfstests else { return }
    let list = patterns.map { "--only '\($0)'" }.joined(separator: " or ")
    throw RequestError(
      """
      No case of the suite \(request.suite.rawValue) on \(request.topology.name) matches \(list). \
      With --list instead, `crossbar run` names the cases and runs none.
      """)
  }
}

extension CaseCatalogue.Item {
  /// Whether a pattern of `*` and `?` means it.
  fileprivate func matches(_ pattern: String) -> Bool { Glob(pattern).matches(name) }
}
