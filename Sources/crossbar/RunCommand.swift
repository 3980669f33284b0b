// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import Harness
import Hypervisor
import Reporting
import Verification

/// `crossbar run`.
struct RunCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Boots one guest, runs one suite and gives one verdict.",
    discussion: """
      EXAMPLES
        crossbar run                                 the topology `switch`
        crossbar run viommu-switch --strict          known emulator limits are failures
        crossbar run switch --only '*.gpu0.read-*'   some cases
        crossbar run my.yaml --kernel ./bzImage      your topology, your kernel
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

  @Option(help: ArgumentHelp("Only the cases that match a pattern.", valueName: "glob"))
  var only: String?

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

  @Option(help: ArgumentHelp("Break something on purpose.", visibility: .hidden))
  var sabotage: String?

  @OptionGroup var kernel: KernelOptions
  @OptionGroup var outputOptions: OutputOptions

  func validate() throws {
    guard (1...3600).contains(silenceLimit) else {
      throw ValidationError("--silence-limit takes 1 to 3600 seconds.")
    }
  }

  func run() async throws {
    let workshop = try Workshop.standard()
    let chosen = try workshop.topology(topology)
    let request = RunRequest(
      topology: chosen.topology, topologyPath: chosen.path, suite: suite, kernel: kernel.choice,
      location: connect.map(Hypervisor.Location.uri) ?? .embedded,
      output: output
        ?? RunDirectory.standardPath(topology: chosen.topology.name, suite: suite),
      only: only, strict: strict, sabotage: sabotage, silenceLimit: .seconds(silenceLimit))
    let view = ProgressView(outputOptions)
    let finished: FinishedRun
    do {
      finished = try await Interruption.cancelling {
        try await Run(request, workshop: workshop, progress: view.show).execute()
      }
    } catch {
      view.clear()
      throw error
    }
    view.clear()
    let record = finished.record
    try finished.complete(with: RunReports.files(of: record))
    if outputOptions.json {
      print(String(decoding: try record.encoded(), as: UTF8.self))
    } else {
      let report = TerminalReport(
        record, directory: request.output, columns: Terminal.columns(of: STDOUT_FILENO),
        coloured: Terminal.showsColours)
      print(report.text, terminator: "")
    }
    if record.verdict != .verified { throw ExitStatus.failed }
  }
}

extension Suite: ExpressibleByArgument {}
