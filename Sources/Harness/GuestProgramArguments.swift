// SPDX-License-Identifier: Apache-2.0

import PCIInspection
import Topology
import Verification

/// The command line of a suite's guest program.
struct GuestProgramArguments: Sendable {
  var request: RunRequest
  /// One suite, not several.
  var suite: Suite
  /// Where the guest's PCI devices are, by topology id.
  var addresses: [String: PCIAddress]

  /// The arguments: the suite, every volume, every peer memory that exists, which of those the host
  /// can look into.
  var list: [String] {
    let topology = request.topology
    var arguments = ["--suite", suite.rawValue, "--host"]
    for controller in topology.nvme {
      for namespace in controller.namespaces {
        let place = "\(controller.id):\(namespace.nsid):\(namespace.filesystem.rawValue)"
        arguments += ["--volume", "\(namespace.id)=\(place)"]
      }
    }
    for id in topology.peerMemory {
      if let address = addresses[id] { arguments += ["--peer", "\(id)=\(address)"] }
    }
    for gpu in topology.gpus { arguments += ["--inspect", gpu.id] }
    if suite.usesGPU {
      for gpu in topology.gpus {
        if let address = addresses[gpu.id] { arguments += ["--gpu", "\(gpu.id)=\(address)"] }
      }
      let effort = request.effort
      arguments += ["--rounds", String(effort.rounds), "--seconds", String(effort.soak)]
      arguments += ["--seed", String(effort.seed)]
    }
    if suite.mapsFiles {
      arguments += ["--path", (request.path ?? .auto).rawValue]
      for id in direct { arguments += ["--direct", id] }
    }
    for pattern in request.only { arguments += ["--only", pattern] }
    if let sabotage = request.sabotage { arguments += ["--sabotage", sabotage] }
    return arguments
  }

  /// The controllers whose BAR every GPU is expected to reach.
  private var direct: [String] {
    let reached = request.topology.gpus.map {
      DeviceMapCoverage.controllers(reachedBy: $0.id, in: request.topology)
    }
    return (reached.first ?? []).filter { id in reached.allSatisfy { $0.contains(id) } }
  }
}
