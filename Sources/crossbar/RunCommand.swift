// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import Harness
import Hypervisor
import PeerGPU
import Reporting
import Synchronization
import Topology
import Verification

/// `crossbar run`.
struct RunCommand: AsyncParsableCommand, JSONCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Boots one guest, runs one suite and gives one verdict.",
    discussion: """
      EXAMPLES
        crossbar run
          NVMe to peer memory on the topology `switch`
        crossbar run switch --only '*.gpu0.read-*'
          some cases of it
        crossbar run switch --suite device-map --only '*.rule4-*' --list
          what they are called, without running them
        crossbar run viommu-switch --strict
          known limits of the emulator are failures
        crossbar run my.yaml --kernel ./bzImage
          your topology, your kernel
        crossbar run switch --suite gpu
          the GPU touches pointers of a process
        crossbar run switch --suite gpu --only '*races-*' --rounds 200
          races, until something gives way
        crossbar run switch --suite gpu --only '*.soak' --soak 1800 --seed 7
          half an hour of random commands
        crossbar run switch --suite device-map
          blocks of files in the controller's BAR
        crossbar run switch --suite device-map --path fallback
          the same cases, through the page cache
        crossbar run switch --suite power-cut --rounds 100 --seed 7
          a hundred power cuts while the GPU writes files
        crossbar run switch --suite regression --kernel 7.2-mainline
          programs that must not notice the series
        crossbar run switch --suite xfstests --xfstests ~/src/xfstests
          your own built xfstests
        crossbar run switch --json | jq .verdict
      """)

  @Argument(
    help: "A topology's name or file.",
    completion: .custom { _, _, _ in TopologyCommand.names })
  var topology = "switch"

  @Option(help: "The suite.", completion: .list(Suite.allCases.map(\.rawValue)))
  var suite = Suite.p2pdma

  @Option(
    name: .shortAndLong, help: "The run directory. (default: runs/TOPOLOGY-SUITE-TIME)",
    completion: .directory)
  var output: String?

  @Option(
    parsing: .singleValue,
    help: ArgumentHelp(
      "Only the cases that match a pattern; more than once for one of several.", valueName: "glob"))
  var only: [String] = []

  @Flag(help: "Name the cases that would run, and boot nothing.")
  var list = false

  @Flag(help: "Known emulator limits are failures.")
  var strict = false

  @Option(
    help: ArgumentHelp("Another libvirt than the one inside this program.", valueName: "uri"))
  var connect: String?

  @Option(
    help: ArgumentHelp(
      "Seconds that the guest program may say nothing before it counts as hanging.",
      valueName: "seconds"))
  var silenceLimit = 60

  @Option(
    help: ArgumentHelp("Seconds that the guest may take to boot.", valueName: "seconds"))
  var bootLimit = 60

  @Option(
    help: ArgumentHelp("Seconds that a suite may take, once the guest is up.", valueName: "seconds")
  )
  var limit = 1800

  @Option(
    help: ArgumentHelp(
      "How often each race of the GPU is run, or the power is cut, up to 10000; see --limit.",
      valueName: "count"))
  var rounds: UInt32 = RunRequest.Effort().rounds

  @Option(
    help: ArgumentHelp(
      "Seconds of random commands for each GPU, up to 3600; --limit grows by what is more.",
      valueName: "seconds"))
  var soak: UInt32 = RunRequest.Effort().soak

  @Option(
    help: ArgumentHelp(
      "Of all that is random in the suites of the GPU: the same seed, the same commands.",
      valueName: "number"))
  var seed: UInt64 = RunRequest.Effort().seed

  @Option(
    help: ArgumentHelp(
      "How the GPU gets at blocks of files in the suites device-map and power-cut. (default: auto)",
      discussion:
        "auto: in the controller's BAR, else in the page cache. direct: a case fails if the "
        + "GPU can't reach the BAR. fallback: in the page cache only.",
      valueName: MappingPath.allCases.map(\.rawValue).joined(separator: "|")),
    completion: .list(MappingPath.allCases.map(\.rawValue)))
  var path: MappingPath?

  @Option(
    help: ArgumentHelp(
      "Your built tree of xfstests, for the suite of that name.",
      discussion: "Its --only takes tests, as 'generic/00?', and groups, as auto; else it runs the "
        + "group quick.",
      valueName: "dir"),
    completion: .directory)
  var xfstests: String?

  @Option(
    help: ArgumentHelp(
      "The guest's RAM, 256MiB to 64GiB. (default: what the topology says)",
      valueName: "size"))
  var memory: ByteCount?

  @Flag(
    inversion: .prefixedNo,
    help: "Hold what the GPUs did against what their driver told them to do.")
  var sanitizer = true

  @Option(help: ArgumentHelp("Break something on purpose.", visibility: .hidden))
  var sabotage: String?

  @Option(
    help: ArgumentHelp(
      "Have the GPUs do wrong on purpose, as drop-doorbell=3 or flip-bit.", visibility: .hidden),
    transform: { try FaultInjection(parsing: $0) })
  var inject: FaultInjection?

  @OptionGroup var kernel: KernelOptions
  @OptionGroup var outputOptions: OutputOptions

  func validate() throws {
    for (name, seconds) in [
      ("--silence-limit", silenceLimit), ("--boot-limit", bootLimit), ("--limit", limit),
    ] where !(1...86_400).contains(seconds) {
      throw ValidationError("\(name) takes 1 to 86400 seconds, which is a day.")
    }
  }

  var json: Bool { outputOptions.json }

  /// Seconds of random commands that a usual run does not have.
  private var longerSoak: Int { max(0, Int(soak) - Int(RunRequest.Effort().soak)) }

  func run() async throws {
    let workshop = try Workshop.standard()
    let chosen = try workshop.topology(topology)
    let request = RunRequest(
      topology: chosen.topology, topologyPath: chosen.path, suite: suite, kernel: kernel.choice,
      location: connect.map(Hypervisor.Location.uri) ?? .embedded,
      output: output,
      only: only, strict: strict, sabotage: sabotage, injection: inject ?? .none,
      effort: RunRequest.Effort(rounds: rounds, soak: soak, seed: seed), path: path,
      sanitizes: sanitizer, memory: memory, xfstests: xfstests,
      silenceLimit: .seconds(silenceLimit), bootLimit: .seconds(bootLimit),
      suiteLimit: .seconds(limit + longerSoak * chosen.topology.gpus.count))
    try request.check()
    if list {
      try await printCases(of: request, workshop)
      return
    }
    let finished = try await execute(request, workshop)
    let record = finished.record
    try finished.complete(with: RunReports.files(of: record))
    if outputOptions.json {
      print(String(decoding: try record.encoded(), as: UTF8.self))
    } else {
      let report = TerminalReport(
        record, directory: output ?? Self.shown(finished.directory),
        columns: Terminal.columns(of: STDOUT_FILENO),
        coloured: Terminal.showsColours)
      print(report.text, terminator: "")
    }
    if record.verdict != .verified { throw ExitStatus.failed }
  }

  /// Runs it; what keeps it from its end does not keep the user from the logs so far.
  private func execute(
    _ request: RunRequest, _ workshop: Workshop
  ) async throws -> FinishedRun {
    let place = Place()
    do {
      return try await showingProgress { progress in
        try await Run(request, workshop: workshop, progress: progress).execute { directory in
          place.directory.withLock { $0 = directory }
        }
      }
    } catch {
      if let directory = place.directory.withLock(\.self),
        FileManager.default.fileExists(atPath: directory.path)
      {
        Terminal.standardError("What was logged so far is in \(Self.shown(directory)).\n")
      }
      throw error
    }
  }

  /// Where a run has its logs, as soon as it has a directory.
  private final class Place: Sendable {
    let directory = Mutex<RunDirectory?>(nil)
  }

  /// Does something that Ctrl-C ends, and shows how far it is.
  private func showingProgress<Result: Sendable>(
    _ body: @escaping @Sendable (@escaping ProgressHandler) async throws -> Result
  ) async throws -> Result {
    let view = ProgressView(outputOptions)
    defer { view.clear() }
    return try await Interruption.cancelling { try await body(view.show) }
  }

  /// A name a line, or all with their suites.
  private func printCases(of request: RunRequest, _ workshop: Workshop) async throws {
    let items = try await showingProgress { progress in
      try await CaseCatalogue(request, workshop: workshop, progress: progress).items()
    }
    guard outputOptions.json else {
      for item in items { print(item.name) }
      return
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    print(String(decoding: try encoder.encode(items), as: UTF8.self))
  }

  /// The directory as one would type it here.
  private static func shown(_ directory: RunDirectory) -> String {
    let here = FileManager.default.currentDirectoryPath + "/"
    guard directory.path.hasPrefix(here) else { return directory.path }
    return String(directory.path.dropFirst(here.count))
  }
}

extension Suite: ExpressibleByArgument {}

extension MappingPath: ExpressibleByArgument {}

extension ByteCount: ExpressibleByArgument {
  /// Reads binary units, as in a topology.
  public init?(argument: String) { self.init(parsing: argument) }
}
