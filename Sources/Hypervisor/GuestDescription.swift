// SPDX-License-Identifier: Apache-2.0

import Topology

/// Everything that decides what a guest is. A value: the same description gives the same domain
/// XML.
public struct GuestDescription: Sendable, Hashable {
  /// What executes the guest's instructions.
  public enum Accelerator: String, Sendable, Hashable, Codable {
    case tcg
    case kvm
  }

  /// The files of the run directory that QEMU writes.
  public struct Logs: Sendable, Hashable {
    /// The guest's serial console.
    public var console: String
    /// What QEMU writes to its standard error. Only the embedded driver can be told where.
    public var qemu: String
    /// The trace events of `GuestDescription.traceEvents`, one a line, and whatever `-d` would log,
    /// because QEMU has one log file. Its warnings and errors are not in it but in `qemu`.
    public var trace: String
    /// What the guest writes to ``GuestDescription/tracePort``, its kernel's own trace; nil for a
    /// guest without that port.
    public var kernelTrace: String?
    /// Bytes that one of them may have; a guest that makes it longer is ended. A suite's are below
    /// 100 MiB.
    public var sizeLimit: Int64 = 1 << 30

    /// Names the files of a run.
    public init(console: String, qemu: String, trace: String, kernelTrace: String? = nil) {
      self.console = console
      self.qemu = qemu
      self.trace = trace
      self.kernelTrace = kernelTrace
    }

    /// `console.log`, `qemu.log` and `nvme-trace.log` in `directory`.
    public init(directory: String) {
      self.init(
        console: directory + "/console.log", qemu: directory + "/qemu.log",
        trace: directory + "/nvme-trace.log")
    }
  }

  /// Arguments that every guest kernel gets; the user's come after them and win.
  ///
  /// A panic ends the guest at once (`panic=-1` resets, and a reset is not survived), and so does
  /// an oops, because nothing that is measured after it means anything. `loglevel=5` shows warnings
  /// and what is worse: the serial port costs the boot 0.3 s for the rest, which `dmesg` has too.
  /// Nobody types into a guest, so looking for a keyboard and a mouse is left out.
  public static let baseKernelArguments = [
    "console=ttyS0", "panic=-1", "oops=panic", "loglevel=5", "i8042.noaux", "i8042.nokbd",
  ]

  /// Arguments that only emulation needs. The time stamp counter is the host's and steady, but a
  /// virtual CPU that waits for a real one fails the kernel's checks of it; and with a delay loop
  /// given, the kernel needn't measure one for each CPU.
  public static let emulationKernelArguments = [
    "tsc=reliable", "no_timer_check", "lpj=10000000",
  ]

  /// The virtio port, in the guest below /dev/virtio-ports, whose bytes are `Logs.kernelTrace`.
  public static let tracePort = "org.crossbar.trace.0"

  /// Name of the domain; unique among the guests of a hypervisor. Letters, digits, `-`, `_` and
  /// `.`.
  public var name: String
  /// The machine and its devices.
  public var topology: Topology
  /// Path of the kernel (bzImage).
  public var kernel: String
  /// Path of the initramfs.
  public var initramfs: String
  /// Kernel arguments after those that every guest gets.
  public var kernelArguments: [String]
  /// Path of the raw image of each namespace, by the namespace's id.
  public var images: [String: String]
  /// Path of the UNIX socket on which the ivshmem server of each GPU listens, by the GPU's id. It
  /// hands out the video memory and the doorbells.
  public var gpuServers: [String: String]
  /// Path of the file behind the persistent memory region of each controller that has one, by its
  /// id.
  public var persistentMemory: [String: String]
  /// What executes the guest's instructions.
  public var accelerator: Accelerator
  /// The files that QEMU writes.
  public var logs: Logs
  /// Trace events that are switched on.
  public var traceEvents: [String]

  /// Describes a guest.
  public init(
    name: String,
    topology: Topology,
    kernel: String,
    initramfs: String,
    kernelArguments: [String] = [],
    images: [String: String],
    gpuServers: [String: String],
    persistentMemory: [String: String] = [:],
    accelerator: Accelerator,
    logs: Logs
  ) {
    self.name = name
    self.topology = topology
    self.kernel = kernel
    self.initramfs = initramfs
    self.kernelArguments = kernelArguments
    self.images = images
    self.gpuServers = gpuServers
    self.persistentMemory = persistentMemory
    self.accelerator = accelerator
    self.logs = logs
    traceEvents = Self.traceEvents(iommu: topology.machine.iommu)
  }

  /// The trace events by which the path of a transfer is proved.
  public static func traceEvents(iommu: IOMMU) -> [String] {
    let nvme = ["pci_nvme_map_addr", "pci_nvme_read", "pci_nvme_write", "pci_nvme_getfeat"]
    return iommu == .none ? nvme : nvme + ["vtd_dmar_translate"]
  }

  /// Everything that the kernel is told, in order.
  public var kernelCommandLine: String {
    let emulation = accelerator == .tcg ? Self.emulationKernelArguments : []
    return (Self.baseKernelArguments + emulation + kernelArguments).joined(separator: " ")
  }

  /// The domain XML that libvirt gets. Depends on nothing but the description and the argument.
  ///
  /// - Parameter socketDirectory: where the guest's channels are, `Hypervisor.runtime.path` of a
  ///   real guest.
  public func domainXML(socketDirectory: String) throws(HypervisorError) -> String {
    try DomainXML(self, sockets: GuestSockets(directory: socketDirectory, name: name)).text()
  }

  /// The name under which QEMU and `info pci` know a device of the topology. The prefix is
  /// libvirt's for names that a user gave, and keeps them apart from its own.
  public static func deviceName(_ id: String) -> String { "ua-\(id)" }
}
