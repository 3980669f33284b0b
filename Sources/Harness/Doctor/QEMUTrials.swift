// SPDX-License-Identifier: Apache-2.0

/// What the installed QEMU can do, tried by starting machines with the devices in question.
struct QEMUTrials: Sendable {
  static let program = "qemu-system-x86_64"
  static let oldest = (major: 7, minor: 2)

  /// A device that topologies use: the arguments that create it, and what is lost without it.
  private struct Device {
    var name: String
    var arguments: [String]
    var loss: String
  }

  private static let switchPorts = [
    "-device", "pcie-root-port,id=rp,chassis=1", "-device", "x3130-upstream,id=up,bus=rp",
    "-device", "xio3130-downstream,id=dp,bus=up,chassis=2",
  ]

  private static let devices = [
    Device(
      name: "nvme with CMB",
      arguments: switchPorts + ["-device", "nvme,serial=x,cmb_size_mb=64,bus=dp"],
      loss: "every topology"),
    Device(
      name: "ivshmem",
      arguments: [
        "-object", "memory-backend-ram,id=m,size=4M,share=on", "-device",
        "ivshmem-plain,memdev=m",
      ], loss: "every topology"),
    Device(name: "PCIe switch", arguments: switchPorts, loss: "topologies with a switch"),
    Device(
      name: "PCIe-to-PCI bridge", arguments: ["-device", "pcie-pci-bridge"],
      loss: "topologies with a bridge"),
    Device(
      name: "expander bus", arguments: ["-device", "pxb-pcie,bus_nr=64"],
      loss: "topologies with an expander bus"),
    Device(name: "intel-iommu", arguments: ["-device", "intel-iommu"], loss: "vIOMMU topologies"),
  ]

  /// The version of QEMU, then one finding for each device.
  static func findings() async -> [DoctorFinding] {
    let version = await Trial.run(program, ["--version"])
    guard version.succeeded else {
      return [
        DoctorFinding(
          "QEMU", .broken, "\(program) does not start",
          mend: "Install the package qemu-system-x86.")
      ]
    }
    var findings = [finding(forVersion: version.firstLine)]
    for device in devices {
      findings.append(await finding(for: device))
    }
    return findings
  }

  /// Judges a line like `QEMU emulator version 7.2.22 (Debian ...)`.
  static func finding(forVersion line: String) -> DoctorFinding {
    let numbers = line.split(separator: " ").lazy
      .map { $0.split(separator: ".").compactMap { Int($0) } }.first { $0.count >= 2 }
    guard let numbers else {
      return DoctorFinding(
        "QEMU", .broken, "no version in `\(line)`",
        mend: "Reinstall the package qemu-system-x86.")
    }
    guard (numbers[0], numbers[1]) >= oldest else {
      return DoctorFinding(
        "QEMU", .broken, line,
        mend: "Install QEMU \(oldest.major).\(oldest.minor) or newer.")
    }
    return DoctorFinding("QEMU", .works, line)
  }

  private static func finding(for device: Device) async -> DoctorFinding {
    // The machine is stopped before its first instruction; `quit` ends it.
    let trial = await Trial.run(
      program,
      [
        "-M", "q35,accel=tcg", "-nodefaults", "-nographic", "-S", "-m", "64M", "-monitor",
        "stdio",
      ] + device.arguments, input: "quit\n")
    if trial.succeeded {
      return DoctorFinding(device.name, .works, "created in a machine")
    }
    return DoctorFinding(
      device.name, .broken,
      trial.timedOut ? "QEMU did not answer in 10 s" : "QEMU refuses it: \(trial.firstLine)",
      mend: "Install a QEMU with this device; without it you lose \(device.loss).")
  }
}
