// SPDX-License-Identifier: Apache-2.0

import Artifacts
import Foundation
import Hypervisor
import PeerGPU
import SystemPackage
import Topology

/// Everything that a guest is made from, ready to be started.
struct RunParts: Sendable {
  var kernel: KernelImage
  var initramfs: FilePath
  /// The suites' programs and the harness's own, by name.
  var programs: [String: [UInt8]]
  /// The templates of the namespaces' images, by namespace id.
  var images: [String: FilePath]

  /// Dumps configuration space.
  static let dumpProgram = "pcidump"
  /// Moves the kernel's trace to a port.
  static let traceProgram = "tracepump"

  /// Gets the parts from the cache, and builds what is not there.
  static func gather(
    for request: RunRequest, from workshop: Workshop, progress: @escaping ProgressHandler
  ) async throws -> RunParts {
    let kernel = try await workshop.kernel(request.kernel, progress: progress)
    try requireDriver(in: kernel, for: request)
    try requireDeviceMap(in: kernel, for: request)
    let initramfs = try await workshop.initramfs(
      addition: request.initramfsAddition, for: kernel,
      tree: request.suite == .xfstests ? try request.xfstestsTree().tree : nil, progress: progress)
    var programs: [String: [UInt8]] = [:]
    let own = request.tracesDriver ? [dumpProgram, traceProgram] : [dumpProgram]
    for name in request.suite.members.compactMap(\.program) + own {
      programs[name] = try content(of: try await workshop.program(name, progress: progress))
    }
    if request.suite == .regression {
      for test in try workshop.regressionRecipe().kselftests
      where request.mightChoose(prefix: "\(test.name).") {
        let path = try await workshop.kselftest(test, of: request.kernel, progress: progress)
        programs[test.name] = try content(of: path)
      }
    }
    var images: [String: FilePath] = [:]
    for namespace in request.topology.namespaces {
      images[namespace.id] = try await workshop.image(for: namespace, progress: progress)
    }
    return RunParts(kernel: kernel, initramfs: initramfs, programs: programs, images: images)
  }

  private static func content(of path: FilePath) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(filePath: path.string)))
  }

  /// Refuses a kernel without the GPU's driver for a suite that is about nothing else. An image without
  /// its configuration can't be asked.
  static func requireDriver(in kernel: KernelImage, for request: RunRequest) throws {
    guard request.usesGPU, lacks("CONFIG_IVGPU", kernel) else { return }
    throw RequestError(
      """
      The kernel of \(kernel.origin) has no driver for the GPU (CONFIG_IVGPU), which the suite \
      \(request.suite.rawValue) needs: add it to the tree with --with-driver, or run --suite p2pdma.
      """)
  }

  /// Refuses a kernel that can't map a block of a file for a peer, unless the run is to do without.
  static func requireDeviceMap(in kernel: KernelImage, for request: RunRequest) throws {
    guard request.mapsFiles, request.path != .fallback,
      lacks("CONFIG_DEVICE_MAP", kernel)
    else { return }
    throw RequestError(
      """
      The kernel of \(kernel.origin) has no device_map (CONFIG_DEVICE_MAP), so no block of a file can \
      go direct in the suite \(request.suite.rawValue): take a kernel that has it, or run the \
      fallback alone with --path fallback.
      """)
  }

  /// Whether a kernel was configured without an option.
  private static func lacks(_ option: String, _ kernel: KernelImage) -> Bool {
    guard let config = kernel.config,
      let text = try? String(contentsOfFile: config.string, encoding: .utf8)
    else { return false }
    return !text.split(separator: "\n").contains { $0 == "\(option)=y" || $0 == "\(option)=m" }
  }

  /// Gives the run its private copies of the images. They go when the run is over, and when this
  /// process dies.
  func copyImages(to directory: RunDirectory, supervisor: Supervisor?) async throws {
    for (id, image) in images {
      let path = directory.imagePath(namespace: id)
      try supervisor?.removeOnDeath(path)
      try DiskImageArtifact.instantiate(image, to: FilePath(path))
    }
  }

  /// Makes the files behind the persistent memory regions: empty, as new devices are, and gone with
  /// the run.
  func makePersistentMemory(
    _ topology: Topology, in directory: RunDirectory, supervisor: Supervisor?
  ) throws {
    for controller in topology.nvme {
      guard let size = controller.pmr else { continue }
      let path = directory.persistentMemoryPath(controller: controller.id)
      try supervisor?.removeOnDeath(path)
      try directory.guarding("make persistent memory in") {
        try Data().write(to: URL(filePath: path))
        let file = try FileHandle(forWritingTo: URL(filePath: path))
        defer { try? file.close() }
        try file.truncate(atOffset: size.bytes)
      }
    }
  }

  /// Takes the private copies and the persistent memory away.
  func removeImages(of directory: RunDirectory, topology: Topology) {
    let paths =
      images.keys.map { directory.imagePath(namespace: $0) }
      + topology.nvme.map { directory.persistentMemoryPath(controller: $0.id) }
    for path in paths { try? FileManager.default.removeItem(atPath: path) }
  }
}
