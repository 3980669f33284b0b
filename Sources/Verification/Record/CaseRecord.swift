// SPDX-License-Identifier: Apache-2.0

import Topology

/// One case of a run.
public struct CaseRecord: Sendable, Hashable, Codable {
  /// The suite that has it; records of former versions don't say.
  public var suite: String?
  /// From 1 on.
  public var number: Int
  /// VOLUME.PEER.WHAT; of the peer GPU's cases GPU.WHAT or GPU.VOLUME.WHAT; of those of other
  /// people's programs PROGRAM.WHAT or PROGRAM.WHAT.PLACE.
  public var name: String
  /// The namespace's id.
  public var volume: String
  /// The id of the device whose memory takes part.
  public var peer: String
  /// What was done.
  public var operation: CaseOperation
  /// What the topology expects of the kernel: the weakest route of all controllers that take part.
  public var expectedRoute: Route
  /// What it showed.
  public var outcome: CaseOutcome
  /// How its phases went; direct first. Cases of the peer GPU have none.
  public var phases: [PhaseRecord] = []
  /// What the peer GPU did; nil for other cases.
  public var gpu: GPUActivity?
  /// What a program did that others wrote; nil for other cases.
  public var foreign: ForeignActivity?

  /// Names a case.
  public init(
    number: Int, name: String, volume: String, peer: String, operation: CaseOperation,
    expectedRoute: Route, outcome: CaseOutcome
  ) {
    self.number = number
    self.name = name
    self.volume = volume
    self.peer = peer
    self.operation = operation
    self.expectedRoute = expectedRoute
    self.outcome = outcome
  }

  /// The phase, if it was reached.
  public func phase(_ phase: Phase) -> PhaseRecord? { phases.first { $0.phase == phase } }

  /// Whether it is a cut of the suite `power-cut`, whose GPU worked for all volumes together, and whose
  /// driver's account went with the power.
  public var isPowerCut: Bool { suite == "power-cut" }

  /// The last part of the name: what moves how.
  public var what: String {
    if let foreign { return foreignWhat(foreign.program) }
    let places = gpu == nil || !volume.isEmpty ? 2 : 1
    return name.split(separator: ".", maxSplits: places, omittingEmptySubsequences: false)
      .dropFirst(places).first.map(String.init) ?? name
  }

  /// The name without the program and the place, which the heading of its group has.
  private func foreignWhat(_ program: String) -> String {
    var what = name[...]
    if what.hasPrefix("\(program).") { what = what.dropFirst(program.count + 1) }
    for place in [volume, foreign?.fileSystem ?? ""] where !place.isEmpty {
      if what.hasSuffix(".\(place)") { return String(what.dropLast(place.count + 1)) }
    }
    return String(what)
  }
}
