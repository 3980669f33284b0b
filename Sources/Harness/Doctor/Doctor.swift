// SPDX-License-Identifier: Apache-2.0

import Artifacts
import Foundation
import Hypervisor

/// Tries what this host can do for Crossbar.
public struct Doctor: Sendable {
  let workshop: Workshop

  /// The doctor for the project and the cache that the environment names.
  public static func standard() throws -> Doctor {
    Doctor(workshop: try .standard())
  }

  /// Everything that is tried, in the order in which a run needs it.
  public func findings(progress: ProgressHandler) async throws -> [DoctorFinding] {
    var findings: [DoctorFinding] = []
    progress(RunProgress(label: "Packages"))
    findings.append(try packages())
    progress(RunProgress(label: "QEMU and its devices"))
    findings += await QEMUTrials.findings()
    progress(RunProgress(label: "libvirt"))
    findings.append(await libvirt())
    progress(RunProgress(label: "Kernel build tools"))
    findings += await BuildToolTrials.findings()
    progress(RunProgress(label: "Disk and memory"))
    findings += HostResources.findings(cache: workshop.store.root.string)
    progress(RunProgress(label: "KVM"))
    findings.append(try await kvm())
    try Task.checkCancellation()
    return findings
  }

  private func packages() throws -> DoctorFinding {
    let missing = try HostPackages(project: workshop.project).missing().map(\.name)
    guard missing.isEmpty else {
      return DoctorFinding(
        "packages", .broken, "missing: \(missing.joined(separator: " "))",
        mend: "Run `make packages`, or `apt-get install \(missing.joined(separator: " "))`.")
    }
    return DoctorFinding("packages", .works, "all installed")
  }

  private func libvirt() async -> DoctorFinding {
    do {
      let hypervisor = try await Hypervisor.open(cache: workshop.libvirtCache)
      let version = hypervisor.versions
      await hypervisor.close()
      return DoctorFinding(
        "libvirt embedded", .works, "libvirt \(version.libvirt) opened inside this process")
    } catch {
      return DoctorFinding(
        "libvirt embedded", .broken, error.problem,
        mend: error.mend ?? "Install libvirt-daemon-driver-qemu and libvirt-daemon-system.")
    }
  }

  private func kvm() async throws -> DoctorFinding {
    guard let trial = await workshop.kvmTrial() else {
      return DoctorFinding(
        "KVM", .limited,
        "not tried: it takes a guest kernel to boot, and none is built yet",
        mend: "Run `crossbar kernel build`, then `crossbar doctor` again; `crossbar run` tries too."
      )
    }
    let result = try await trial.result()
    guard result.works else {
      return DoctorFinding(
        "KVM", .limited, "\(result.detail); guests run under TCG, several times slower",
        mend: """
          Use a machine with hardware virtualisation (`grep -cE 'vmx|svm' /proc/cpuinfo`), and be a \
          member of the group kvm. This result is kept until the host boots again; to try at once, \
          remove \(trial.record).
          """)
    }
    return DoctorFinding("KVM", .works, result.detail)
  }
}
