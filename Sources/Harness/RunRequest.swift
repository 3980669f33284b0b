// SPDX-License-Identifier: Apache-2.0

import Artifacts
import Hypervisor
import Topology

/// What the user wants to be run.
public struct RunRequest: Sendable {
  /// What the guest is.
  public var topology: Topology
  /// Path of the topology's file, for the record.
  public var topologyPath: String
  /// What is run in it.
  public var suite: Suite
  /// What it boots.
  public var kernel: KernelChoice
  /// Which libvirt runs it.
  public var location: Hypervisor.Location
  /// The run directory; must not hold a run yet.
  public var output: String
  /// A pattern (`*`, `?`) that the names of the cases to run must match.
  public var only: String?
  /// Whether known emulator limits are failures.
  public var strict: Bool
  /// Breaks something on purpose, to see that it is caught; a mode of the guest program.
  public var sabotage: String?
  /// How long the guest program may say nothing before it counts as hanging.
  public var silenceLimit: Duration
  /// How long the guest may take to boot.
  public var bootLimit: Duration

  /// Names a run; everything that has a default is rarely given.
  public init(
    topology: Topology, topologyPath: String, suite: Suite, kernel: KernelChoice,
    location: Hypervisor.Location, output: String, only: String? = nil, strict: Bool = false,
    sabotage: String? = nil, silenceLimit: Duration = .seconds(60),
    bootLimit: Duration = .seconds(60)
  ) {
    self.topology = topology
    self.topologyPath = topologyPath
    self.suite = suite
    self.kernel = kernel
    self.location = location
    self.output = output
    self.only = only
    self.strict = strict
    self.sabotage = sabotage
    self.silenceLimit = silenceLimit
    self.bootLimit = bootLimit
  }
}

/// A named set of cases, and the guest program that has them.
public enum Suite: String, Sendable, CaseIterable, Codable {
  /// NVMe peer-to-peer DMA between file blocks and peer memory.
  case p2pdma

  /// The guest program, a directory of `images/guest/programs`.
  public var program: String {
    switch self {
    case .p2pdma: "p2pcheck"
    }
  }
}
