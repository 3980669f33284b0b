// SPDX-License-Identifier: Apache-2.0

import Foundation
import Topology

@testable import Hypervisor

/// Descriptions of guests that the tests share.
enum Fixtures {
  static let switchYAML = """
    crossbar: topology/1
    name: switch
    summary: One NVMe controller and the GPU below the same PCIe switch.
    machine: {cpu: max, vcpus: 2, memory: 1GiB, iommu: none}
    pcie:
      - {id: rp0, model: root-port}
      - {id: up0, model: switch-upstream, bus: rp0}
      - {id: dp0, model: switch-downstream, bus: up0}
      - {id: dp1, model: switch-downstream, bus: up0}
    nvme:
      - id: nvme0
        bus: dp0
        cmb: 64MiB
        namespaces:
          - {id: ns0, size: 256MiB, lba: 512, filesystem: ext4}
          - {id: ns1, size: 400MiB, lba: 4096, filesystem: xfs}
    gpu:
      - {id: gpu0, bus: dp1, video-memory: 256MiB}
    routes:
      - {from: nvme0, to: gpu0, route: switch}
    """

  /// Everything that `switch` has not.
  static let everythingYAML = """
    crossbar: topology/1
    name: everything
    summary: Expander bus, bridge, persistent memory, IOMMU, a port without ACS.
    machine: {cpu: EPYC, vcpus: 4, memory: 2GiB, iommu: intel}
    pcie:
      - {id: rp0, model: root-port, acs: false}
      - {id: rp1, model: root-port}
      - {id: px0, model: expander-bus}
      - {id: rp2, model: root-port, bus: px0}
      - {id: br0, model: pcie-to-pci-bridge, bus: rp1}
    nvme:
      - id: nvme0
        bus: rp0
        cmb: 64MiB
        pmr: 32MiB
        namespaces:
          - {id: ns0, size: 256MiB, lba: 4096, filesystem: ext4}
      - id: nvme1
        bus: rp2
        namespaces:
          - {id: ns1, size: 400MiB, lba: 512, filesystem: xfs}
    gpu:
      - {id: gpu0, bus: br0, video-memory: 128MiB}
    routes:
      - {from: nvme0, to: gpu0, route: none}
      - {from: nvme1, to: gpu0, route: none}
      - {from: nvme1, to: nvme0, route: none}
    """

  static func guest(
    _ yaml: String = switchYAML, accelerator: GuestDescription.Accelerator = .tcg
  ) throws -> GuestDescription {
    GuestDescription(
      name: "t", topology: try Topology.parse(yaml, file: "fixture.yaml"), kernel: "/k/bzImage",
      initramfs: "/k/initramfs.cpio", kernelArguments: ["a=b"],
      images: ["ns0": "/i/ns0.raw", "ns1": "/i/ns1.raw"], gpuServers: ["gpu0": "/s/gpu,0"],
      persistentMemory: ["nvme0": "/m/nvme0"], accelerator: accelerator,
      logs: GuestDescription.Logs(directory: "/run/of,this"))
  }

  /// A new directory that is removed after `body`.
  static func withDirectory<Result>(_ body: (String) async throws -> Result) async throws -> Result
  {
    let path = "/tmp/xt" + String(UInt32.random(in: .min ... .max), radix: 16)
    try FileManager.default.createDirectory(
      atPath: path, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
    defer { try? FileManager.default.removeItem(atPath: path) }
    return try await body(path)
  }

  static func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }
}
