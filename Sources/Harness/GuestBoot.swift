// SPDX-License-Identifier: Apache-2.0

import Foundation
import Hypervisor
import PeerGPU
import Topology
import Verification

/// Boots a guest with its GPUs and disks; once more if it hangs, with all of them new.
struct GuestBoot: Sendable {
  let request: RunRequest
  let parts: RunParts
  /// Gets the logs.
  let directory: RunDirectory
  /// Has disks that stay as they are: a guest that hung before it ran a program has not touched them.
  /// Nil for new ones beside the logs.
  var oldDisks: RunDirectory?
  /// Path of the console of a boot that hung; nil for the usual one beside the logs.
  var hungConsole: String?
  let hypervisor: Hypervisor
  let accelerator: GuestDescription.Accelerator
  let progress: ProgressHandler

  /// A guest whose agent answers.
  struct Started: Sendable {
    var session: GuestSession
    var gpus: GuestGPUs
    /// How long that took, the boot before it aside.
    var seconds: Double
    /// The boot before it, if that hung.
    var retry: BootRetry?
  }

  /// Boots the guest.
  ///
  /// - Throws: what the last boot ended with. A boot whose kernel panicked or reported a bug is the
  ///   last one.
  func start() async throws -> Started {
    var clock = PhaseClock()
    do {
      return try await attempt(nil)
    } catch let first as BootHang {
      let console = hungConsole ?? "\(directory.path)/\(RunDirectory.hungConsole)"
      try setAside(console)
      let name = URL(filePath: console).lastPathComponent
      let retry = BootRetry(
        reason: first.reason(console: name), console: name, seconds: clock.lap())
      progress(
        RunProgress(
          label: "Boot the guest", detail: "again",
          notice: "The guest hung while it booted: \(retry.reason). It is booted once more."))
      do {
        return try await attempt(retry)
      } catch let second as BootHang {
        throw second.error(afterFirst: console)
      }
    }
  }

  private func attempt(_ retry: BootRetry?) async throws -> Started {
    let disks = oldDisks ?? directory
    if oldDisks == nil {
      try await parts.copyImages(to: disks, supervisor: hypervisor.supervisor)
      try parts.makePersistentMemory(
        request.topology, in: disks, supervisor: hypervisor.supervisor)
    }
    let gpus = try GuestGPUs.start(
      request, directory: directory, sockets: hypervisor.runtime.path)
    do {
      var clock = PhaseClock()
      let session = try await GuestSession.boot(
        request, parts: parts, directory: directory, disks: disks, on: hypervisor, gpus: gpus,
        persistentMemory: disks.persistentMemory(of: request.topology), accelerator: accelerator)
      return Started(session: session, gpus: gpus, seconds: clock.lap(), retry: retry)
    } catch {
      gpus.stop()
      throw error
    }
  }

  /// Keeps the console of a boot that hung at a path, and takes everything else of it away.
  private func setAside(_ console: String) throws {
    let files = FileManager.default
    try directory.guarding("keep the console of the boot that hung in") {
      try? files.removeItem(atPath: console)
      try files.moveItem(atPath: directory.path(of: .console), toPath: console)
    }
    let logs = request.topology.gpus.map {
      directory.accessLogPath(gpu: $0.id, of: request.topology)
    }
    for path in RunDirectory.File.allCases.map(directory.path(of:)) + logs {
      try? files.removeItem(atPath: path)
    }
    if oldDisks == nil { parts.removeImages(of: directory, topology: request.topology) }
  }
}
