// SPDX-License-Identifier: Apache-2.0

import Foundation
import Hypervisor
import Verification

/// What a run ran on, for its record.
enum RunEnvironment {
  static func current(
    _ accelerator: GuestDescription.Accelerator, _ hypervisor: Hypervisor, _ request: RunRequest
  ) -> RunRecord.Environment {
    let versions = hypervisor.versions
    let release = try? String(contentsOfFile: "/proc/sys/kernel/osrelease", encoding: .utf8)
    return RunRecord.Environment(
      crossbar: CrossbarVersion.current,
      hostKernel: release?.trimmingCharacters(in: .whitespacesAndNewlines) ?? "unknown",
      hostProcessors: ProcessInfo.processInfo.activeProcessorCount, qemu: versions.qemu,
      libvirt: versions.libvirt, accelerator: accelerator.rawValue, iommu: request.iommuDomain)
  }
}
