// SPDX-License-Identifier: Apache-2.0

import Artifacts
import Hypervisor
import PeerGPU
import Topology
import Verification

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
  /// The run directory; must not hold anything yet. Nil for one that is named after the topology,
  /// the suite and the time.
  public var output: String?
  /// Patterns (`*`, `?`), of which the names of the cases to run must match one; none for all cases.
  public var only: [String]
  /// Whether known emulator limits are failures.
  public var strict: Bool
  /// Breaks something on purpose, to see that it is caught; a mode of the guest program.
  public var sabotage: String?
  /// How the GPUs misbehave from the beginning, to see that it is caught.
  public var injection: FaultInjection
  /// How long and how hard the suites of the GPU work.
  public var effort: Effort
  /// How the GPU is to get at the blocks of files in the suite `device-map`; nil for what is usual.
  public var path: MappingPath?
  /// Whether the DMA sanitizer looks at what the GPUs did.
  public var sanitizes: Bool
  /// The guest's RAM, nil for what the topology has.
  public var memory: ByteCount?
  /// The user's built tree of xfstests, for the suite of that name.
  public var xfstests: String?
  /// How long the guest program may say nothing before it counts as hanging.
  public var silenceLimit: Duration
  /// How long the guest may take to boot.
  public var bootLimit: Duration
  /// How long a suite may take.
  public var suiteLimit: Duration

  /// Names a run; everything that has a default is rarely given.
  public init(
    topology: Topology, topologyPath: String, suite: Suite, kernel: KernelChoice,
    location: Hypervisor.Location, output: String? = nil, only: [String] = [], strict: Bool = false,
    sabotage: String? = nil, injection: FaultInjection = .none, effort: Effort = Effort(),
    path: MappingPath? = nil, sanitizes: Bool = true, memory: ByteCount? = nil,
    xfstests: String? = nil, silenceLimit: Duration = .seconds(60),
    bootLimit: Duration = .seconds(60), suiteLimit: Duration = .seconds(1800)
  ) {
    self.topology = topology
    if let memory { self.topology.machine.memory = memory }
    self.topologyPath = topologyPath
    self.suite = suite
    self.kernel = kernel
    self.location = location
    self.output = output
    self.only = only
    self.strict = strict
    self.sabotage = sabotage
    self.injection = injection
    self.effort = effort
    self.path = path
    self.sanitizes = sanitizes
    self.memory = memory
    self.xfstests = xfstests
    self.silenceLimit = silenceLimit
    self.bootLimit = bootLimit
    self.suiteLimit = suiteLimit
  }
}

extension RunRequest {
  /// How long and how hard the suites of the GPU work.
  public struct Effort: Sendable, Hashable {
    /// How often each race is run.
    public var rounds: UInt32
    /// Seconds of random commands in the suite `gpu`.
    public var soak: UInt32
    /// Of everything that is random.
    public var seed: UInt64

    /// What the sanitizer has room for, with logs of some GiB.
    static let rounds: ClosedRange<UInt32> = 1...10_000
    static let seconds: ClosedRange<UInt32> = 1...3600

    /// What a run that nobody waits for long has time for.
    public init(rounds: UInt32 = 3, soak: UInt32 = 5, seed: UInt64 = 1) {
      self.rounds = rounds
      self.soak = soak
      self.seed = seed
    }
  }

  /// Whether the run is about the GPU's driver, and has its trace.
  var tracesDriver: Bool { suite.members.contains(where: \.tracesDriver) }

  /// Whether the run needs the GPU and its driver.
  var usesGPU: Bool { suite.members.contains(where: \.usesGPU) }

  /// What the guest's virtual IOMMU is to do with DMA, if it has one. The GPUs' engines master the bus
  /// beside it, and nothing would translate what they are given.
  var iommuDomain: RunRecord.IOMMUDomain? {
    guard topology.machine.iommu != .none else { return nil }
    return usesGPU ? .passThrough : .translating
  }

  /// Whether the run is about blocks of files in a BAR.
  var mapsFiles: Bool { suite.members.contains(where: \.mapsFiles) }

  /// Bytes that a log may grow to: a GiB; for each round, twice of what the races of one take; and for
  /// each second of random commands, more than the program's pace makes of them.
  var logLimit: UInt64 {
    let mebibytes: UInt64 = 1024 + 24 * UInt64(effort.rounds) + 6 * UInt64(effort.soak)
    return mebibytes << 20
  }

  /// What was asked for besides topology, suite and kernel, as on the command line.
  var options: [String: String] {
    var options: [String: String] = [:]
    if !only.isEmpty { options["only"] = only.joined(separator: " ") }
    if let sabotage { options["sabotage"] = sabotage }
    if injection != .none { options["inject"] = injection.description }
    if let memory { options["memory"] = memory.description }
    if let xfstests { options["xfstests"] = xfstests }
    guard usesGPU else { return options }
    options["rounds"] = String(effort.rounds)
    if suite.members.contains(.gpu) { options["soak"] = String(effort.soak) }
    options["seed"] = String(effort.seed)
    if mapsFiles { options["path"] = (path ?? .auto).rawValue }
    if tracesDriver { options["sanitizer"] = sanitizes ? "on" : "off" }
    return options
  }

  /// Volumes, and peers, that a guest program has room for (OPTIONS_VOLUMES, OPTIONS_PEERS).
  private static let programLimit = 16
  /// Patterns of cases that it takes (ARGUMENTS_PATTERNS).
  private static let patternLimit = 16

  /// Refuses what can't be run, before anything is built or booted.
  public func check() throws(RequestError) {
    if suite.members.contains(.p2pdma), topology.peerMemory.isEmpty {
      throw RequestError(
        """
        \(topologyPath): \(topology.name) has no peer memory, so nothing can move peer to peer. Give \
        a controller a `cmb`, or add a GPU.
        """)
    }
    if let memory, let objection = Machine.objection(toMemory: memory) {
      throw RequestError("--memory: \(objection.message); \(objection.mend).")
    }
    guard Effort.rounds.contains(effort.rounds) else {
      throw RequestError("--rounds takes 1 to \(Effort.rounds.upperBound).")
    }
    guard Effort.seconds.contains(effort.soak) else {
      throw RequestError(
        """
        --soak takes 1 to \(Effort.seconds.upperBound) seconds. For more, run it again with another \
        --seed.
        """)
    }
    if only.contains("") { throw RequestError("--only '' matches no case: give a pattern.") }
    if only.count > Self.patternLimit {
      throw RequestError("--only can be given \(Self.patternLimit) times, not \(only.count).")
    }
    let most = max(topology.namespaces.count, topology.peerMemory.count)
    if most > Self.programLimit {
      throw RequestError(
        """
        \(topologyPath): \(topology.name) has \(most) volumes or peers; the guest programs take \
        \(Self.programLimit) of each.
        """)
    }
    if path != nil, !mapsFiles {
      throw RequestError(
        """
        --path is how the GPU gets at the blocks of files, which is what the suites device-map and \
        power-cut are about; the suite \(suite.rawValue) has no use for it. Leave it out, or take \
        --suite device-map.
        """)
    }
    if suite == .powerCut, !only.isEmpty {
      throw RequestError(
        """
        --only chooses among cases, and the suite power-cut has none to choose from: each cut is one \
        for each volume. Leave it out; --rounds says how many cuts there are.
        """)
    }
    try checkXfstests()
    try refuseWhatIsOfNoUse()
    guard usesGPU else { return }
    if mapsFiles, path == .direct, !topology.nvme.contains(where: { $0.cmb != nil }) {
      throw RequestError(
        """
        \(topologyPath): no controller of \(topology.name) has a CMB, so no block of a file can be in \
        a BAR. Leave --path direct out, or give a controller a `cmb`.
        """)
    }
    if topology.gpus.isEmpty {
      throw RequestError(
        "\(topologyPath): the suite \(suite.rawValue) needs a GPU, and \(topology.name) has none.")
    }
    if iommuDomain == .passThrough, suite.members.contains(.p2pdma) {
      throw RequestError(
        """
        \(topologyPath): behind a virtual IOMMU, p2pdma wants the controllers' DMA translated, and \
        the suites of the GPU want it passed through, which is settled at boot. Run them one after \
        the other: --suite p2pdma, then \
        \(suite.members.filter { $0 != .p2pdma }.map { "--suite \($0.rawValue)" }
          .joined(separator: " and ")).
        """)
    }
  }
}

extension RunRequest {
  /// Refuses options that the suite would not look at.
  private func refuseWhatIsOfNoUse() throws(RequestError) {
    let usual = Effort()
    let ofGPU = "gpu, device-map or power-cut"
    for (option, isGiven, isOfUse, suites) in [
      ("--rounds", effort.rounds != usual.rounds, usesGPU, ofGPU),
      ("--seed", effort.seed != usual.seed, usesGPU, ofGPU),
      ("--soak", effort.soak != usual.soak, suite.members.contains(.gpu), "gpu"),
      ("--inject", injection != .none, usesGPU, ofGPU),
      ("--no-sanitizer", !sanitizes, tracesDriver, "gpu or device-map"),
    ] where isGiven && !isOfUse {
      throw RequestError(
        """
        The suite \(suite.rawValue) has no use for \(option): leave it out, or take --suite \(suites).
        """)
    }
  }
}

/// A named set of cases, and the guest program that has them.
public enum Suite: String, Sendable, CaseIterable, Codable {
  /// NVMe peer-to-peer DMA between file blocks and peer memory.
  case p2pdma
  /// Commands of the peer GPU through pointers of a process.
  case gpu
  /// Blocks of files in the BAR of their block device, mapped for the peer GPU.
  case deviceMap = "device-map"
  /// Many lives of a guest that is killed while the GPU writes files, and what is left of them.
  case powerCut = "power-cut"
  /// Programs of others that have nothing to do with peer memory, and must not notice the series.
  case regression
  /// The user's own xfstests.
  case xfstests
  /// All suites of one life about peer memory, in one guest, one after the other.
  case all

  /// The suites that it stands for, in the order in which they run.
  public var members: [Suite] {
    switch self {
    case .p2pdma, .gpu, .deviceMap, .powerCut, .regression, .xfstests: [self]
    case .all: [.p2pdma, .gpu, .deviceMap]
    }
  }

  /// The guest program, a directory of `images/guest/programs`; nil if the suite only has members.
  public var program: String? {
    switch self {
    case .p2pdma: "p2pcheck"
    case .gpu, .deviceMap, .powerCut: "gpucheck"
    case .regression, .xfstests, .all: nil
    }
  }

  /// Whether its cases are programs of others, with verdicts of their own.
  var isForeign: Bool { self == .regression || self == .xfstests }

  /// Whether its cases have the peer GPU work.
  var usesGPU: Bool { self == .gpu || mapsFiles }

  /// Whether the GPU's driver tells what it does.
  var tracesDriver: Bool { self == .gpu || self == .deviceMap }

  /// Whether it is about blocks of files in a BAR.
  var mapsFiles: Bool { self == .deviceMap || self == .powerCut }
}
