// SPDX-License-Identifier: Apache-2.0

import Foundation
import Hypervisor
import PCIInspection
import PeerGPU
import Topology

/// The host's half of a guest's GPUs: there before the guest starts, connected to its bus as soon as
/// that is known.
struct GuestGPUs: Sendable {
  /// By topology id.
  let devices: [String: GPUDevice]
  /// Where each one's ivshmem server listens, by topology id.
  let servers: [String: String]

  /// Starts the GPUs of a run.
  ///
  /// - Parameters:
  ///   - request: the topology, how the devices misbehave, and whether the sanitizer looks.
  ///   - directory: gets the access logs.
  ///   - sockets: the directory of the ivshmem servers' sockets, with a short path.
  static func start(
    _ request: RunRequest, directory: RunDirectory, sockets: String
  ) throws -> GuestGPUs {
    let topology = request.topology
    var devices: [String: GPUDevice] = [:]
    var servers: [String: String] = [:]
    do {
      for gpu in topology.gpus {
        let server = "\(sockets)/\(gpu.id).ivshmem"
        servers[gpu.id] = server
        devices[gpu.id] = try GPUDevice(
          memory: VideoMemory(size: gpu.videoMemory.bytes), socketPath: server,
          logPath: directory.accessLogPath(gpu: gpu.id, of: topology),
          logLimit: request.logLimit, injection: request.injection,
          digestsPayload: request.sanitizes && request.tracesDriver)
      }
    } catch {
      for device in devices.values { device.stop() }
      throw error
    }
    return GuestGPUs(devices: devices, servers: servers)
  }

  /// Connects the engines to the bus: system memory, their own video memory, and every BAR of the
  /// other devices by QEMU. What comes before that is a master abort.
  func attach(to guest: Guest, tree: PCITree, topology: Topology) throws {
    let memory = try guest.systemMemoryPath()
    var offset: UInt64 = 0
    let regions = SystemMemory.ranges(size: topology.machine.memory.bytes).map { range in
      let size = range.upperBound - range.lowerBound
      defer { offset += size }
      return FileRegion(bus: range.lowerBound, offset: offset, size: size)
    }
    let bus = try QtestSocket(path: guest.qtestSocket)
    for (id, device) in devices {
      let bar = try tree.peerMemory(of: id, in: topology)
      let others = tree.devices.flatMap(\.bars).filter { $0.space != .io }
        .compactMap(\.range).filter { $0 != bar }
        .map { (start: $0.lowerBound, size: $0.upperBound - $0.lowerBound) }
      device.attach([
        MappedPort(videoMemory: device.memory, at: bar.lowerBound),
        try MappedPort(kind: .memory, path: memory, regions: regions),
        QtestPort(bus, regions: others),
      ])
    }
  }

  /// The number of the last entry that each engine has made in its log, by topology id.
  var lastNumbers: [String: UInt64] { devices.mapValues { $0.counters().lastLogNumber } }

  /// Ends the engines and completes their logs.
  func stop() {
    for device in devices.values { device.stop() }
  }
}
