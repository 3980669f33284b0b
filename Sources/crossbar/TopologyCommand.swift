// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import Harness
import PCIInspection
import Reporting
import Topology

/// `crossbar topology`.
struct TopologyCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "topology",
    abstract: "The topologies that guests are made from.",
    subcommands: [Show.self, List.self])

  /// `crossbar topology list`.
  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Lists the shipped topologies.")

    func run() throws {
      // One that can't be read hides none of the others.
      var firstError: TopologyError?
      for topology in try Workshop.standard().allTopologies() {
        switch topology {
        case .success(let topology):
          print(topology.name.padding(toLength: 20, withPad: " ", startingAt: 0) + topology.summary)
        case .failure(let error): firstError = firstError ?? error
        }
      }
      if let firstError { throw firstError }
    }
  }

  /// `crossbar topology show`.
  struct Show: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Draws a topology, or the PCIe tree that a finished run's guest really had.",
      discussion: """
        EXAMPLES
          crossbar topology show switch
          crossbar topology show switch --svg > switch.svg
          crossbar topology show --run runs/switch-p2pdma-20260101-120000
        """)

    @Argument(
      help: "A topology's name or file.",
      completion: .custom { _, _, _ in TopologyCommand.names })
    var topology: String?

    @Option(
      name: .customLong("run"), help: "A run directory: draws the tree that its guest had.",
      completion: .directory)
    var finished: String?

    @Flag(help: "An SVG picture instead of text.")
    var svg = false

    func validate() throws {
      if topology == nil && finished == nil {
        throw ValidationError("Name a topology, or a run directory with --run.")
      }
      if topology != nil && finished != nil {
        throw ValidationError("--run draws what a guest had, so it takes no topology beside it.")
      }
    }

    func run() throws {
      let diagram = try diagram()
      print(svg ? diagram.svg() : diagram.text())
    }

    private func diagram() throws -> PCIeDiagram {
      if let finished {
        let dump = RunDirectory(existing: finished).path(of: .pci)
        guard FileManager.default.fileExists(atPath: dump) else {
          throw RequestError(
            """
            \(finished) has no pci.txt, so no guest came up there. Name a run directory, such as those \
            in runs/.
            """)
        }
        let tree = try PCITree.load(path: dump)
        let asked = try? RunLoader.load(directory: finished).topology
        return tree.diagram(
          title: "\(asked?.name ?? finished), as the guest has it", topology: asked)
      }
      return try Workshop.standard().topology(topology ?? "switch").topology.diagram
    }
  }

  /// Names for tab completion.
  static var names: [String] {
    (try? Workshop.standard().topologyNames) ?? []
  }
}
