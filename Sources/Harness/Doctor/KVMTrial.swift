// SPDX-License-Identifier: Apache-2.0

import Foundation
import Hypervisor

/// Whether KVM runs a guest here. `/dev/kvm` may exist, open and create a machine, and still never
/// get a kernel to its first message, so a kernel is booted under it.
struct KVMTrial: Sendable {
  /// A kernel that gets this far is run by KVM.
  private static let proof = "Run /init as init process"
  private static let limit: Duration = .seconds(8)

  /// The result of a trial, kept until the host or the kernel changes.
  struct Result: Sendable, Codable, Equatable {
    /// Identifies what was tried on what: this boot of the host, QEMU, the kernel.
    var conditions: [String]
    var works: Bool
    var detail: String
  }

  var kernel: String
  var initramfs: String
  /// Where the last result is kept.
  var record: String

  /// The kept result if it was got under the same conditions, else a new trial.
  func result() async -> Result {
    let conditions = await conditions()
    if let data = FileManager.default.contents(atPath: record),
      let kept = try? JSONDecoder().decode(Result.self, from: data),
      kept.conditions == conditions
    {
      return kept
    }
    let result = await attempt(conditions)
    if let data = try? JSONEncoder().encode(result) {
      try? data.write(to: URL(fileURLWithPath: record), options: .atomic)
    }
    return result
  }

  private func conditions() async -> [String] {
    let boot = try? String(contentsOfFile: "/proc/sys/kernel/random/boot_id", encoding: .utf8)
    let version = await Trial.run(QEMUTrials.program, ["--version"])
    let access = FileManager.default.isWritableFile(atPath: "/dev/kvm")
    return [
      boot?.trimmingCharacters(in: .whitespacesAndNewlines) ?? "unknown boot", version.firstLine,
      kernel, access ? "may open /dev/kvm" : "may not open /dev/kvm",
    ]
  }

  private func attempt(_ conditions: [String]) async -> Result {
    guard FileManager.default.fileExists(atPath: "/dev/kvm") else {
      return Result(conditions: conditions, works: false, detail: "there is no /dev/kvm")
    }
    guard FileManager.default.isWritableFile(atPath: "/dev/kvm") else {
      return Result(
        conditions: conditions, works: false,
        detail: "/dev/kvm may not be opened by this user (group kvm)")
    }
    // `panic=-1` and `-no-reboot` end the machine as soon as the probe's init is gone.
    let trial = await Trial.run(
      QEMUTrials.program,
      [
        "-M", "q35,accel=kvm", "-cpu", "max", "-m", "512M", "-nodefaults", "-display", "none",
        "-no-reboot", "-serial", "stdio", "-kernel", kernel, "-initrd", initramfs, "-append",
        "console=ttyS0 panic=-1 rdinit=/bin/false",
      ], limit: Self.limit)
    let reached = trial.output.contains(Self.proof) || trial.output.contains("Run /bin/false")
    if reached {
      return Result(conditions: conditions, works: true, detail: "a guest kernel reached init")
    }
    let why =
      trial.timedOut
      ? "a guest kernel did not get to init within \(Self.limit)"
      : "QEMU ended: \(trial.firstLine.prefix(160))"
    return Result(conditions: conditions, works: false, detail: "/dev/kvm opens, but \(why)")
  }
}
