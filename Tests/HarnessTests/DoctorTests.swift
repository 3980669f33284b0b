// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Harness

@Suite struct DoctorTests {
  @Test func aNewEnoughQEMUWorks() {
    let line = "QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7)"
    #expect(QEMUTrials.finding(forVersion: line).status == .works)
    #expect(QEMUTrials.finding(forVersion: "QEMU emulator version 10.0.2").status == .works)
  }

  @Test func anOldQEMUIsBrokenAndHasAMend() {
    let finding = QEMUTrials.finding(forVersion: "QEMU emulator version 6.2.0")
    #expect(finding.status == .broken)
    #expect(finding.mend?.contains("7.2") == true)
    #expect(QEMUTrials.finding(forVersion: "no version").status == .broken)
  }

  @Test func littleMemoryIsLimited() {
    #expect(HostResources.memory("MemAvailable:   100000 kB\n").status == .limited)
    #expect(HostResources.memory("MemTotal: 1 kB\nMemAvailable: 8000000 kB\n").status == .works)
    #expect(HostResources.memory("").status == .limited)
    #expect(HostResources.memory("MemAvailable: 99999999999999999999 kB").status == .limited)
  }

  @Test func aTrialEndsAtItsLimit() async {
    let trial = await Trial.run("sleep", ["30"], limit: .milliseconds(200))
    #expect(trial.timedOut)
    #expect(!trial.succeeded)
  }

  @Test func aTrialTellsExitCodeAndOutput() async {
    let trial = await Trial.run("sh", ["-c", "cat; echo second; exit 3"], input: "first\n")
    #expect(trial.exitCode == 3)
    #expect(trial.firstLine == "first")
  }

  @Test func everyBuildToolThatIsInstalledWorks() async {
    let findings = await BuildToolTrials.findings()
    let broken = findings.filter { $0.status == .broken }
    #expect(broken.isEmpty, "\(broken.map { "\($0.subject): \($0.detail)" })")
    for name in ["gcc", "xz", "lz4", "patch"] {
      #expect(findings.first?.detail.contains(name) == true)
    }
  }

  @Test func aMissingProgramDoesNotSucceed() async {
    #expect(await !Trial.run("crossbar-has-no-such-program", []).succeeded)
  }
}
