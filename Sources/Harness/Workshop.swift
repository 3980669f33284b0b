// SPDX-License-Identifier: Apache-2.0

import Artifacts
import Foundation
import Hypervisor
import SystemPackage
import Topology

/// Where runs get what they are made of: the project's files and the cache of built artifacts.
public struct Workshop: Sendable {
  /// Topologies, kernel recipe, guest programs.
  public let project: ProjectFiles
  /// What was built already.
  public let store: ArtifactStore

  /// Works on the given files and cache.
  public init(project: ProjectFiles, store: ArtifactStore) {
    self.project = project
    self.store = store
  }

  /// The workshop that the environment names.
  public static func standard() throws -> Workshop {
    Workshop(project: try ProjectFiles.locate(), store: .standard())
  }

  /// The directory of the shipped topologies.
  public var topologies: String { project.path("qemu-configs/topologies").string }

  /// The kernel, from the cache or built now.
  public func kernel(
    _ choice: KernelChoice, progress: @escaping ProgressHandler
  ) async throws -> KernelImage {
    try await KernelArtifact(choice, project: project, store: store)
      .resolve(progress: reporter(progress))
  }

  /// The initramfs, from the cache or packed now.
  public func initramfs(progress: @escaping ProgressHandler) async throws -> FilePath {
    try await InitramfsArtifact(project: project, store: store).resolve(
      progress: reporter(progress))
  }

  /// A guest program, from the cache or compiled now.
  public func program(
    _ name: String, progress: @escaping ProgressHandler
  ) async throws -> [UInt8] {
    let path = try await GuestProgramArtifact(name, project: project, store: store)
      .resolve(progress: reporter(progress))
    return [UInt8](try Data(contentsOf: URL(filePath: path.string)))
  }

  /// The file system image that runs copy for a namespace.
  public func image(
    for namespace: Namespace, progress: @escaping ProgressHandler
  ) async throws -> FilePath {
    try await DiskImageArtifact(namespace: namespace, project: project, store: store)
      .resolve(progress: reporter(progress))
  }

  /// The shipped topologies and their files, by name.
  public func allTopologies() throws -> [Topology] {
    try Topology.list(in: [topologies]).map { try Topology.load(path: $0.path) }
  }

  /// The topology that a command-line argument means, and its file.
  public func topology(_ argument: String) throws -> (topology: Topology, path: String) {
    let path = try Topology.search(name: argument, in: [topologies])
    return (try Topology.load(path: path), path)
  }

  /// The unpacked source of the default kernel, fetched first if need be.
  public func kernelSource(progress: @escaping ProgressHandler) async throws -> FilePath {
    try await KernelArtifact(project: project, store: store)
      .sourceTree(progress: reporter(progress))
  }

  /// What executes guests here: KVM where a kernel was seen to boot under it, else TCG.
  public func accelerator(
    kernel: String, initramfs: String
  ) async -> GuestDescription.Accelerator {
    await KVMTrial(kernel: kernel, initramfs: initramfs, record: kvmRecord).result().works
      ? .kvm : .tcg
  }

  /// A trial of KVM with the default kernel; `nil` while that is not built.
  func kvmTrial() async -> KVMTrial? {
    guard
      let kernel = await KernelArtifact(project: project, store: store).cached(),
      let initramfs = try? await initramfs(progress: { _ in })
    else { return nil }
    return KVMTrial(
      kernel: kernel.path.string, initramfs: initramfs.string, record: kvmRecord)
  }

  private var kvmRecord: String { store.root.appending("kvm.json").string }

  private func reporter(_ progress: @escaping ProgressHandler) -> ArtifactProgressHandler {
    { step in
      progress(
        RunProgress(
          label: step.label, fraction: step.fraction, detail: step.detail, notice: step.notice))
    }
  }
}
