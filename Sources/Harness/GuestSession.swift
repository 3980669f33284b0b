// SPDX-License-Identifier: Apache-2.0

import Foundation
import Hypervisor
import PCIInspection
import PeerGPU
import Topology

/// A started guest with its devices: from QEMU's first instruction to the end of its life.
struct GuestSession: Sendable {
  static let programDirectory = "/run/crossbar"

  let guest: Guest
  let directory: RunDirectory
  let topology: Topology

  /// Starts the guest and waits until its agent answers.
  static func boot(
    _ request: RunRequest, parts: RunParts, directory: RunDirectory, on hypervisor: Hypervisor,
    videoMemory: [String: VideoMemory], accelerator: GuestDescription.Accelerator
  ) async throws -> GuestSession {
    let topology = request.topology
    let images = topology.namespaces.map { ($0.id, directory.imagePath(namespace: $0.id)) }
    let description = GuestDescription(
      name: "crossbar-\(ProcessInfo.processInfo.processIdentifier)", topology: topology,
      kernel: parts.kernel.path.string, initramfs: parts.initramfs.string,
      images: Dictionary(uniqueKeysWithValues: images),
      videoMemory: videoMemory.mapValues(\.path), accelerator: accelerator,
      logs: GuestDescription.Logs(
        console: directory.path(of: .console), qemu: directory.path(of: .qemu),
        trace: directory.path(of: .trace)))
    let guest = try await Guest.start(description, on: hypervisor)
    let session = GuestSession(guest: guest, directory: directory, topology: topology)
    do {
      try directory.write(Data(guest.domainXML.utf8), to: .domain)
      try await guest.waitForAgent(limit: request.bootLimit)
    } catch {
      await guest.destroy()
      throw error
    }
    return session
  }

  /// Pushes the guest programs.
  func push(_ programs: [String: [UInt8]]) async throws {
    for (name, content) in programs.sorted(by: { $0.key < $1.key }) {
      try await guest.push(content, to: Self.path(of: name))
    }
  }

  /// Reads the guest's configuration space, and makes sure that it is the tree that was asked for.
  ///
  /// - Throws: `EnvironmentError` with the differences.
  func inspectPCI() async throws -> PCITree {
    let result = try await guest.execute(Self.path(of: RunParts.dumpProgram))
    guard result.status == 0 else {
      throw EnvironmentError(
        "Can't read the guest's configuration space: \(result.errorText.prefix(200))")
    }
    try directory.write(Data(result.output), to: .pci)
    let tree = try PCITree.read(dump: result.outputText)
    let differences = tree.differences(from: topology)
    guard differences.isEmpty else {
      let list = differences.map { "\n  \($0)" }.joined()
      throw EnvironmentError(
        """
        The guest's PCIe tree is not the one that the topology \(topology.name) asks for:\(list)
        See \(directory.path(of: .pci)), and `crossbar topology show --run \(directory.path)`.
        """)
    }
    return tree
  }

  static func path(of program: String) -> String { "\(programDirectory)/\(program)" }
}
