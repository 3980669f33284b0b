// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@testable import Topology

/// A small valid topology, and ways to break it.
enum Sample {
  static let yaml = """
    crossbar: topology/1
    name: sample
    summary: A sample.
    machine: {cpu: max, vcpus: 2, memory: 1GiB, iommu: none}
    pcie:
      - {id: rp0, model: root-port}
      - {id: up0, model: switch-upstream, bus: rp0}
      - {id: dp0, model: switch-downstream, bus: up0}
      - {id: dp1, model: switch-downstream, bus: up0}
      - {id: rp1, model: root-port}
    nvme:
      - id: nvme0
        bus: dp0
        cmb: 64MiB
        namespaces:
          - {id: ns0, size: 256MiB, lba: 512, filesystem: ext4}
          - {id: ns1, size: 400MiB, lba: 512, filesystem: xfs}
      - id: nvme1
        bus: rp1
        pmr: 16MiB
        namespaces:
          - {id: ns2, size: 64MiB, lba: 4096, filesystem: ext4}
    gpu:
      - {id: gpu0, bus: dp1, video-memory: 256MiB}
    routes:
      - {from: nvme0, to: gpu0, route: switch}
      - {from: nvme1, to: gpu0, route: none}
      - {from: nvme1, to: nvme0, route: host-bridge}
    limits:
      - {from: nvme0, to: gpu0, outcome: silent-corruption, reason: a test}
    """

  static func topology() throws -> Topology {
    try Topology.parse(yaml, file: "sample.yaml")
  }

  /// The sample with one text replaced by another.
  static func changed(
    _ old: String, to new: String, location: SourceLocation = #_sourceLocation
  ) -> String {
    let parts = yaml.components(separatedBy: old)
    #expect(parts.count == 2, "`\(old)` is not in the sample once", sourceLocation: location)
    return parts.joined(separator: new)
  }

  /// The error that a change leads to.
  static func refusal(
    of old: String, changedTo new: String, location: SourceLocation = #_sourceLocation
  ) throws -> TopologyError {
    try refusal(changed(old, to: new, location: location), location: location)
  }

  /// The error that a file leads to.
  static func refusal(
    _ text: String, location: SourceLocation = #_sourceLocation
  ) throws -> TopologyError {
    try #require(
      #expect(throws: TopologyError.self, sourceLocation: location) {
        try Topology.parse(text, file: "sample.yaml")
      }, sourceLocation: location)
  }

  /// The directory of the topologies that Crossbar ships.
  static let shipped = URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "../../qemu-configs/topologies").standardizedFileURL.path()
}
