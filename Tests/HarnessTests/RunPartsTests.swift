// SPDX-License-Identifier: Apache-2.0

import Foundation
import SystemPackage
import Testing
import Topology

@testable import Artifacts
@testable import Harness

@Suite struct RunPartsTests {
  @Test(arguments: [
    (Harness.Suite.gpu, "CONFIG_PCI=y\n", true), (.all, "# CONFIG_IVGPU is not set\n", true),
    (.gpu, "CONFIG_PCI=y\nCONFIG_IVGPU=y\n", false), (.gpu, "CONFIG_IVGPU=m\n", false),
    (.p2pdma, "CONFIG_PCI=y\n", false),
  ])
  func aSuiteThatNeedsTheDriverIsRefusedWithoutIt(
    suite: Harness.Suite, text: String, refused: Bool
  ) throws {
    let config = FileManager.default.temporaryDirectory.appending(path: "config-\(UUID())").path
    try Data(text.utf8).write(to: URL(filePath: config))
    defer { try? FileManager.default.removeItem(atPath: config) }
    let project = try ProjectFiles.locate(executable: #filePath)
    let path = project.path("qemu-configs/topologies/switch.yaml").string
    let request = RunRequest(
      topology: try Topology.load(path: path), topologyPath: path, suite: suite,
      kernel: .flavour(nil), location: .embedded)
    let kernel = KernelImage(
      path: "/k/bzImage", release: "7.2", origin: "/home/me/linux", config: FilePath(config),
      symbols: nil, vmlinux: nil, modules: nil)
    do {
      try RunParts.requireDriver(in: kernel, for: request)
      #expect(!refused)
    } catch let error as RequestError {
      #expect(refused)
      #expect(error.description.contains("/home/me/linux has no driver for the GPU"))
      #expect(error.description.contains("--with-driver"))
    }
  }
}
