// SPDX-License-Identifier: Apache-2.0

import Foundation
import Topology

/// A finished run: the content of `run.json`.
public struct RunRecord: Sendable, Hashable, Codable {
  /// The format that this code writes.
  public static let schema = "crossbar.run/1"

  /// What a run showed as a whole.
  public enum Verdict: String, Sendable, Hashable, Codable {
    /// No case failed.
    case verified
    /// A case failed, or the suite did not come to its end.
    case failed
  }

  /// Seconds of each phase.
  public struct Timings: Sendable, Hashable, Codable {
    /// From starting QEMU to a guest agent that answers.
    public var boot = 0.0
    /// Pushing the programs and reading configuration space.
    public var push = 0.0
    /// The suite.
    public var run = 0.0
    /// Trace, raw images and verdict.
    public var verify = 0.0
    /// Shutting the guest down.
    public var stop = 0.0

    /// All zero.
    public init() {}
  }

  /// What the run ran on.
  public struct Environment: Sendable, Hashable, Codable {
    /// Version of Crossbar.
    public var crossbar: String
    /// The host's kernel release.
    public var hostKernel: String
    /// Processors of the host.
    public var hostProcessors: Int
    /// Version of QEMU.
    public var qemu: String
    /// Version of libvirt.
    public var libvirt: String
    /// `tcg` or `kvm`.
    public var accelerator: String

    /// Names an environment.
    public init(
      crossbar: String, hostKernel: String, hostProcessors: Int, qemu: String, libvirt: String,
      accelerator: String
    ) {
      self.crossbar = crossbar
      self.hostKernel = hostKernel
      self.hostProcessors = hostProcessors
      self.qemu = qemu
      self.libvirt = libvirt
      self.accelerator = accelerator
    }
  }

  /// The kernel that the guest ran.
  public struct Kernel: Sendable, Hashable, Codable {
    /// Its release.
    public var release: String
    /// Where its source came from.
    public var origin: String

    /// Names a kernel.
    public init(release: String, origin: String) {
      self.release = release
      self.origin = origin
    }
  }

  /// Something in the console that a healthy guest does not say.
  public struct ConsoleReport: Sendable, Hashable, Codable {
    /// What kind of report it is.
    public var kind: String
    /// Line of `console.log`, from 1.
    public var line: Int
    /// The line.
    public var text: String

    /// Names a report.
    public init(kind: String, line: Int, text: String) {
      self.kind = kind
      self.line = line
      self.text = text
    }
  }

  /// `RunRecord.schema`.
  public var schema = RunRecord.schema
  /// What the run showed.
  public var verdict: Verdict
  /// Why the suite did not come to its end; `nil` if it did.
  public var interruption: String?
  /// The name of the suite.
  public var suite: String
  /// What was asked for.
  public var topology: Topology
  /// Path of the topology's file as it was given.
  public var topologyFile: String
  /// Whether known limits were failures.
  public var strict: Bool
  /// Every case, in the order in which they ran.
  public var cases: [CaseRecord]
  /// Seconds of each phase.
  public var timings: Timings
  /// What the run ran on.
  public var environment: Environment
  /// What the guest ran.
  public var kernel: Kernel
  /// Seeds by what they seed; the suite `p2pdma` has nothing random.
  public var seeds: [String: UInt64] = [:]
  /// What the console said that it should not.
  public var console: [ConsoleReport]

  /// Names a run; the verdict follows from the cases.
  public init(
    suite: String, topology: Topology, topologyFile: String, strict: Bool, cases: [CaseRecord],
    interruption: String?, timings: Timings, environment: Environment, kernel: Kernel,
    console: [ConsoleReport]
  ) {
    let isGood =
      interruption == nil && !cases.isEmpty && !cases.contains { $0.outcome.kind == .failed }
    verdict = isGood ? .verified : .failed
    self.interruption = interruption
    self.suite = suite
    self.topology = topology
    self.topologyFile = topologyFile
    self.strict = strict
    self.cases = cases
    self.timings = timings
    self.environment = environment
    self.kernel = kernel
    self.console = console
  }

  /// How many cases ended in each way.
  public func count(_ kind: CaseOutcome.Kind) -> Int {
    cases.count { $0.outcome.kind == kind }
  }

  /// The record as JSON with a stable order of keys.
  public func encoded() throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return try encoder.encode(self)
  }
}

/// One case of a run.
public struct CaseRecord: Sendable, Hashable, Codable {
  /// `VOLUME.PEER.WHAT`.
  public var name: String
  /// The namespace's id.
  public var volume: String
  /// The id of the device whose memory takes part.
  public var peer: String
  /// What was done.
  public var operation: CaseHeader.Operation
  /// What the topology expects of the kernel.
  public var expectedRoute: Route
  /// What it showed.
  public var outcome: CaseOutcome
  /// How its phases went; direct first.
  public var phases: [PhaseRecord] = []

  /// Names a case.
  public init(
    name: String, volume: String, peer: String, operation: CaseHeader.Operation,
    expectedRoute: Route, outcome: CaseOutcome
  ) {
    self.name = name
    self.volume = volume
    self.peer = peer
    self.operation = operation
    self.expectedRoute = expectedRoute
    self.outcome = outcome
  }

  /// The phase, if it was reached.
  public func phase(_ phase: Phase) -> PhaseRecord? { phases.first { $0.phase == phase } }
}

/// One phase of a case.
public struct PhaseRecord: Sendable, Hashable, Codable {
  /// Which phase.
  public var phase: Phase
  /// Where the data went, as the program claims.
  public var claim: PhaseReport.Claim
  /// 0, or why the kernel refused.
  public var errno: Int32
  /// Bytes that were moved.
  public var bytes: UInt64
  /// Seconds that it took in the guest, comparison included where it waits for the host.
  public var seconds: Double
  /// Where the data went, as QEMU saw it.
  public var path: PathEvidence

  init(report: PhaseReport, path: PathEvidence) {
    phase = report.phase
    claim = report.claim
    errno = report.errno
    bytes = report.bytes
    seconds = Double(report.ns) / 1e9
    self.path = path
  }
}
