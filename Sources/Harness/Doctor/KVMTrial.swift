// SPDX-License-Identifier: Apache-2.0

import Foundation
import Hypervisor

/// Whether KVM runs a guest here. `/dev/kvm` may exist, open and create a machine, and still never
/// get a kernel to its first message, so a kernel is booted under it.
struct KVMTrial: Sendable {
  /// A kernel that gets this far is run by KVM.
  private static let proofs = ["Run /init as init process", "Run /bin/false"]

  /// The result of a trial, kept until the host or the kernel changes.
  struct Result: Sendable, Codable, Equatable {
    /// Identifies what was tried on what: this boot of the host, its kernel, QEMU, the guest's kernel.
    var conditions: [String]
    var works: Bool
    var detail: String
  }

  var kernel: String
  var initramfs: String
  /// Where the last results are kept.
  var record: String
  /// QEMU, or what stands in for it.
  var program = QEMUTrials.program
  var device = "/dev/kvm"
  var limit = Duration.seconds(8)

  /// The kept result if there is one of the same conditions, else a new trial.
  ///
  /// - Throws: `CancellationError` if the task was cancelled meanwhile: that says nothing about KVM.
  func result() async throws -> Result {
    let conditions = await conditions()
    try Task.checkCancellation()
    let records = KVMTrialRecords(path: record)
    if let kept = records.result(under: conditions) { return kept }
    let result = await attempt(conditions)
    try Task.checkCancellation()
    records.keep(result)
    return result
  }

  private func conditions() async -> [String] {
    let version = await Trial.run(program, ["--version"])
    return [
      Self.line(of: "/proc/sys/kernel/random/boot_id"), Self.line(of: "/proc/sys/kernel/osrelease"),
      version.firstLine, Self.identity(of: kernel),
      FileManager.default.isWritableFile(atPath: device) ? "may open it" : "may not open it",
    ]
  }

  private static func line(of path: String) -> String {
    let text = try? String(contentsOfFile: path, encoding: .utf8)
    return text?.trimmingCharacters(in: .whitespacesAndNewlines) ?? "unknown"
  }

  /// Which file this is, and which content of it: a path may be given a new one.
  private static func identity(of path: String) -> String {
    var status = stat()
    guard stat(path, &status) == 0 else { return "no kernel" }
    let time = status.st_mtim
    return """
      kernel \(status.st_dev):\(status.st_ino), \(status.st_size) bytes, of \
      \(time.tv_sec).\(time.tv_nsec)
      """
  }

  private func attempt(_ conditions: [String]) async -> Result {
    guard FileManager.default.fileExists(atPath: device) else {
      return Result(conditions: conditions, works: false, detail: "there is no \(device)")
    }
    guard FileManager.default.isWritableFile(atPath: device) else {
      return Result(
        conditions: conditions, works: false,
        detail: "\(device) may not be opened by this user (group kvm)")
    }
    // `panic=-1` and `-no-reboot` end the machine as soon as the probe's init is gone.
    let trial = await Trial.run(
      program,
      [
        "-M", "q35,accel=kvm", "-cpu", "max", "-m", "512M", "-nodefaults", "-display", "none",
        "-no-reboot", "-serial", "stdio", "-kernel", kernel, "-initrd", initramfs, "-append",
        "console=ttyS0 panic=-1 rdinit=/bin/false",
      ], limit: limit)
    if Self.proofs.contains(where: { trial.output.contains($0) }) {
      return Result(conditions: conditions, works: true, detail: "a guest kernel reached init")
    }
    let why =
      trial.timedOut
      ? "a guest kernel did not get to init within \(limit)"
      : "QEMU ended: \(trial.firstLine.prefix(160))"
    return Result(conditions: conditions, works: false, detail: "\(device) opens, but \(why)")
  }
}

/// The last results of trials, in a file. A file that can't be read holds none, and one that can't be
/// written only costs another trial.
struct KVMTrialRecords: Sendable {
  /// Results that are kept: some kernels and QEMUs beside each other.
  static let limit = 16

  var path: String

  /// The result that was got under these conditions.
  func result(under conditions: [String]) -> KVMTrial.Result? {
    results().last { $0.conditions == conditions }
  }

  /// Keeps a result, in place of an older one of the same conditions.
  func keep(_ result: KVMTrial.Result) {
    let others = results().filter { $0.conditions != result.conditions }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    guard let data = try? encoder.encode(Array((others + [result]).suffix(Self.limit))) else {
      return
    }
    try? data.write(to: URL(filePath: path), options: .atomic)
  }

  private func results() -> [KVMTrial.Result] {
    guard let data = FileManager.default.contents(atPath: path) else { return [] }
    return (try? JSONDecoder().decode([KVMTrial.Result].self, from: data)) ?? []
  }
}
