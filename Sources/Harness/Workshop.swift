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
  ///
  /// - Parameters:
  ///   - addition: the manifest of what a suite needs besides.
  ///   - kernel: the kernel whose modules it has.
  ///   - tree: a directory that goes with it.
  public func initramfs(
    addition: String? = nil, for kernel: KernelImage? = nil, tree: HostTree? = nil,
    progress: @escaping ProgressHandler
  ) async throws -> FilePath {
    let modules = kernel?.modules.map { HostTree(guest: "/lib/modules", host: $0) }
    return try await InitramfsArtifact(
      addition: addition, trees: [modules, tree].compactMap(\.self), project: project,
      store: store
    ).resolve(progress: reporter(progress))
  }

  /// What the suite `regression` runs.
  func regressionRecipe() throws -> RegressionRecipe { try RegressionRecipe.load(project: project) }

  /// A test of the kernel's own, from the cache or compiled now.
  func kselftest(
    _ test: RegressionRecipe.Kselftest, of kernel: KernelChoice, progress: @escaping ProgressHandler
  ) async throws -> FilePath {
    try await KselftestArtifact(test, of: kernel, project: project, store: store)
      .resolve(progress: reporter(progress))
  }

  /// A guest program, from the cache or compiled now.
  public func program(
    _ name: String, progress: @escaping ProgressHandler
  ) async throws -> FilePath {
    try await GuestProgramArtifact(name, project: project, store: store)
      .resolve(progress: reporter(progress))
  }

  /// The file system image that runs copy for a namespace.
  public func image(
    for namespace: Namespace, progress: @escaping ProgressHandler
  ) async throws -> FilePath {
    try await DiskImageArtifact(namespace: namespace, project: project, store: store)
      .resolve(progress: reporter(progress))
  }

  /// The shipped topologies, by name, which is also their file's, or what is wrong with that.
  public func allTopologies() -> [Result<Topology, TopologyError>] {
    Topology.list(in: [topologies]).map { file in
      Result { () throws(TopologyError) in try Topology.load(file) }
    }
  }

  /// Their names, valid or not.
  public var topologyNames: [String] { Topology.list(in: [topologies]).map(\.name) }

  /// The flavours of the kernel that are known here.
  public var kernelFlavours: [String] { (try? KernelRecipe.names(project: project)) ?? [] }

  /// The topology that a command-line argument means, and its file.
  public func topology(_ argument: String) throws -> (topology: Topology, path: String) {
    let path = try Topology.search(name: argument, in: [topologies])
    if let file = Topology.list(in: [topologies]).first(where: { $0.path == path }) {
      return (try Topology.load(file), path)
    }
    return (try Topology.load(path: path), path)
  }

  /// The unpacked source of the default kernel, fetched first if need be.
  public func kernelSource(progress: @escaping ProgressHandler) async throws -> FilePath {
    try await KernelArtifact(project: project, store: store)
      .sourceTree(progress: reporter(progress))
  }

  /// What executes guests here: KVM where a kernel was seen to boot under it, else TCG.
  ///
  /// - Parameters:
  ///   - kernel: the kernel that is about to be run. It is tried only while there is no default one:
  ///     that a kernel under test doesn't boot says nothing about KVM.
  ///   - initramfs: any that goes with it.
  /// - Throws: `CancellationError`.
  public func accelerator(
    kernel: String, initramfs: String
  ) async throws -> GuestDescription.Accelerator {
    let standard = await KernelArtifact(project: project, store: store).cachedPath()
    let trial = KVMTrial(
      kernel: standard?.string ?? kernel, initramfs: initramfs, record: kvmRecord)
    return try await trial.result().works ? .kvm : .tcg
  }

  /// A trial of KVM with the default kernel; `nil` while that is not built.
  func kvmTrial() async -> KVMTrial? {
    guard
      let kernel = await KernelArtifact(project: project, store: store).cachedPath(),
      let initramfs = try? await initramfs(progress: { _ in })
    else { return nil }
    return KVMTrial(kernel: kernel.string, initramfs: initramfs.string, record: kvmRecord)
  }

  /// Where libvirt keeps what it found out about QEMU.
  public var libvirtCache: String { store.root.appending("libvirt").string }

  private var kvmRecord: String { store.root.appending("kvm.json").string }

  private func reporter(_ progress: @escaping ProgressHandler) -> ArtifactProgressHandler {
    { step in
      progress(
        RunProgress(
          label: step.label, fraction: step.fraction, detail: step.detail, notice: step.notice))
    }
  }
}
