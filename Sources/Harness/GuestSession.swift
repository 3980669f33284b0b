// SPDX-License-Identifier: Apache-2.0

import Artifacts
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
  /// Whether the guest was told to have no DMA translated.
  let passesDMAThrough: Bool

  /// Starts the guest and waits until its agent answers.
  ///
  /// - Parameters:
  ///   - directory: gets its logs.
  ///   - disks: has its disks.
  /// - Throws: `BootHang` if it hangs for a reason that another boot may not have.
  static func boot(
    _ request: RunRequest, parts: RunParts, directory: RunDirectory, disks: RunDirectory,
    on hypervisor: Hypervisor, gpus: GuestGPUs, persistentMemory: [String: String],
    accelerator: GuestDescription.Accelerator
  ) async throws -> GuestSession {
    let topology = request.topology
    let images = topology.namespaces.map { ($0.id, disks.imagePath(namespace: $0.id)) }
    var logs = GuestDescription.Logs(
      console: directory.path(of: .console), qemu: directory.path(of: .qemu),
      trace: directory.path(of: .trace),
      kernelTrace: request.tracesDriver ? directory.path(of: .driverTrace) : nil)
    logs.sizeLimit = Int64(clamping: request.logLimit)
    var description = GuestDescription(
      name: "crossbar-\(ProcessInfo.processInfo.processIdentifier)", topology: topology,
      kernel: parts.kernel.path.string, initramfs: parts.initramfs.string,
      kernelArguments: driverTracing(of: request, on: parts.kernel)
        + (request.iommuDomain == .passThrough ? ["iommu.passthrough=1"] : []),
      images: Dictionary(uniqueKeysWithValues: images),
      gpuServers: gpus.servers, persistentMemory: persistentMemory, accelerator: accelerator,
      logs: logs)
    // Where there is no path to prove, it would only be long.
    if request.suite.isForeign { description.traceEvents = [] }
    let guest = try await Guest.start(description, on: hypervisor)
    let session = GuestSession(
      guest: guest, directory: directory, topology: topology,
      passesDMAThrough: request.iommuDomain == .passThrough)
    do {
      try directory.write(Data(guest.domainXML.utf8), to: .domain)
      try await guest.waitForAgent(
        limit: request.bootLimit, endsOnStall: accelerator == .tcg)
    } catch {
      // The kernel is about to say more of it.
      if error.isBootStall { try? await Task.sleep(for: .milliseconds(500)) }
      await guest.destroy()
      throw BootHang(error, under: accelerator, console: guest.console.findings) ?? error
    }
    return session
  }

  /// The GPU driver's events, from boot on: to switch them on later means to patch running code. Those
  /// of `device_map` beside them say why it refused.
  private static func driverTracing(of request: RunRequest, on kernel: KernelImage) -> [String] {
    guard request.tracesDriver else { return [] }
    let maps = request.suite.members.contains(.deviceMap) && request.path != .fallback
    // Of a module that is not there yet, the kernel keeps in mind that its events are wanted.
    let driver = kernel.hasModule("ivgpu") ? ":mod:ivgpu" : "ivgpu:*"
    return ["trace_event=\(driver)\(maps ? ",device_map:*" : "")", "trace_buf_size=16M"]
  }

  /// Begins to write the GPU driver's events to the run directory; the DMA sanitizer compares them
  /// with the access log.
  func startDriverTrace() async throws -> GuestProcess {
    try await guest.start(
      Self.path(of: RunParts.traceProgram),
      ["/dev/virtio-ports/\(GuestDescription.tracePort)"])
  }

  /// Ends that, if the guest still lives.
  ///
  /// - Returns: why the trace is not whole; nil if it is.
  /// - Throws: cancellation.
  func endDriverTrace(_ process: GuestProcess) async throws -> String? {
    let problem = try await stopProblem(process)
    // What a port carries may arrive after its program has ended.
    for _ in 0..<(problem == nil ? 30 : 1) {
      let content = try directory.content(of: .driverTrace)
      if content.suffix(Self.traceEnd.count) == Self.traceEnd { return nil }
      try await Task.sleep(for: .milliseconds(100))
    }
    return """
      The trace of the GPU's driver, \(directory.path(of: .driverTrace)), is not whole: \
      \(problem ?? "its last line is missing"). If it is empty, the kernel lacks CONFIG_FTRACE with \
      CONFIG_ENABLE_DEFAULT_TRACERS.
      """
  }

  /// Stops a program of the guest; says why that failed, or what it complained of.
  private func stopProblem(_ process: GuestProcess) async throws -> String? {
    do {
      let result = try await guest.stop(process, limit: .seconds(120))
      return result.status == 0 ? nil : String(result.errorText.prefix(200))
    } catch {
      if error.kind == .cancelled { throw error }
      return error.description
    }
  }

  /// The last line of the program that moves the trace.
  private static let traceEnd = Data("# tracepump: end\n".utf8)

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
    if passesDMAThrough { try await checkIdentity(of: tree) }
    return tree
  }

  /// Makes sure that the kernel gave an identity domain to all that master the bus. With another one the
  /// GPUs' engines would read and write whatever is at the addresses that the driver means to be
  /// translated, and the controllers' addresses in QEMU's trace would not be the bus's.
  private func checkIdentity(of tree: PCITree) async throws {
    let addresses = tree.resolve(topology)
    for id in topology.nvme.map(\.id) + topology.gpus.map(\.id) {
      guard let address = addresses[id] else {
        throw EnvironmentError("\(id) is not in the guest's configuration space.")
      }
      // Documentation/ABI/testing/sysfs-kernel-iommu_groups.
      var type: [UInt8]?
      do {
        type = try await guest.pull(
          "/sys/bus/pci/devices/\(address)/iommu_group/type", limit: 4096)
      } catch {
        // Other than that the guest has no such file.
        if error.kind != .agent { throw error }
      }
      if let objection = IdentityDomain.objection(toType: type, of: "\(id) (\(address))") {
        throw EnvironmentError(objection)
      }
    }
  }

  static func path(of program: String) -> String { "\(programDirectory)/\(program)" }
}
