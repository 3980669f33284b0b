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
  /// The suite's program and the one that dumps configuration space, by name.
  var programs: [String: [UInt8]]
  /// The templates of the namespaces' images, by namespace id.
  var images: [String: FilePath]

  static let dumpProgram = "pcidump"

  /// Gets the parts from the cache, and builds what is not there.
  static func gather(
    for request: RunRequest, from workshop: Workshop, progress: @escaping ProgressHandler
  ) async throws -> RunParts {
    let kernel = try await workshop.kernel(request.kernel, progress: progress)
    let initramfs = try await workshop.initramfs(progress: progress)
    var programs: [String: [UInt8]] = [:]
    for name in [request.suite.program, dumpProgram] {
      programs[name] = try await workshop.program(name, progress: progress)
    }
    var images: [String: FilePath] = [:]
    for namespace in request.topology.namespaces {
      images[namespace.id] = try await workshop.image(for: namespace, progress: progress)
    }
    return RunParts(kernel: kernel, initramfs: initramfs, programs: programs, images: images)
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

  /// Takes the private copies away.
  func removeImages(of directory: RunDirectory) {
    for id in images.keys {
      try? FileManager.default.removeItem(atPath: directory.imagePath(namespace: id))
    }
  }
}
