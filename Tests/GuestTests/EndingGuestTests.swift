// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

extension GuestTests {
  /// Whatever the kernel under test or a program in it does to the guest in the middle of a suite is
  /// an observation: the run fails, and has a record that says why.
  @Suite struct EndingGuests {
    @Test(arguments: [
      // What its own kernel does when it is told to, and what a kernel does that can't go on.
      ("reboot(RB_POWER_OFF)", "the guest powered off or reset"),
      ("reboot(RB_AUTOBOOT)", "the guest powered off or reset"),
      // Its whole process group, with the shell that would have said how it ended.
      ("kill(0, SIGKILL)", "it was killed inside the guest"),
      ("for (;;) putchar('x')", "it wrote a line of more than 65536 bytes"),
      ("for (;;) putchar('\\n')", "it wrote more than 1048576 lines"),
    ])
    func whatTheGuestDoesToItselfIsAFailedVerdict(deed: String, reason: String) async throws {
      let project = try AlteredProject(program: Self.program(deed))
      let outcome = try await CrossbarProgram.run(
        ["run", "switch"], environment: project.environment)
      #expect(outcome.exitCode == 1, "\(outcome.story)")
      #expect(outcome.sentences.contains("run /run/crossbar/p2pcheck in the guest: \(reason)"))
      let record = try outcome.record()
      #expect(record["verdict"] as? String == "failed")
      #expect((record["interruption"] as? String)?.contains(reason) == true)
      #expect(outcome.images.isEmpty)
      #expect(HostProcesses.withCommandLine(containing: outcome.directory.path).isEmpty)
    }

    @Test func aGuestWhoseProcessorsStandStillIsEnded() async throws {
      let outcome = try await CrossbarProgram.run(["run", "switch", "--silence-limit", "3"]) {
        program in
        try await program.wait(for: "ok 3 ", in: "ktap.log")
        // Stopped, QEMU executes nothing and answers nothing, agent and monitor included.
        let qemu = try #require(program.qemu())
        kill(qemu, SIGSTOP)
      }
      #expect(outcome.exitCode == 1, "\(outcome.story)")
      #expect(
        outcome.sentences.contains(
          "can't run /run/crossbar/p2pcheck in the guest: it said nothing for 3.0 seconds. "
            + "The guest or the program hangs; see the end of the console"))
      #expect(try outcome.record()["verdict"] as? String == "failed")
      let gone = try await HostProcesses.noQEMU(
        containing: outcome.directory.path, within: .seconds(5))
      #expect(gone)
      #expect(outcome.images.isEmpty)
    }

    @Test func aQEMUThatIsToldToEndIsAnEnvironmentFailure() async throws {
      let outcome = try await CrossbarProgram.run(["run", "switch", "--json"]) { program in
        try await program.wait(for: "ok 3 ", in: "ktap.log")
        let qemu = try #require(program.qemu())
        kill(qemu, SIGTERM)
      }
      #expect(outcome.exitCode == 3, "\(outcome.story)")
      #expect(outcome.errors.contains("in the guest: QEMU died. See "))
      #expect(outcome.file("run.json").isEmpty)
      let document = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8))
      let error = try #require((document as? [String: Any])?["error"] as? [String: Any])
      #expect(error["exitCode"] as? Int == 3)
      #expect((error["message"] as? String)?.contains("QEMU died") == true)
    }

    @Test func aSuiteThatTakesTooLongIsAFailedVerdict() async throws {
      let outcome = try await CrossbarProgram.run(["run", "switch", "--limit", "1"])
      #expect(outcome.exitCode == 1, "\(outcome.story)")
      #expect(outcome.sentences.contains("in the guest: it was still running after 1.0 seconds"))
      #expect(outcome.sentences.contains("--limit gives a suite more seconds."))
      #expect(outcome.sentences.contains(#/Of 94 cases, \d+ had begun\./#))
      // What the program did not come to tell is not its breach.
      for item in try outcome.cases() {
        let end = try #require(item["outcome"] as? [String: Any])
        #expect(["incomplete", nil].contains(end["failure"] as? String))
      }
    }

    @Test func aGuestThatBootsTooSlowlyIsAnEnvironmentFailure() async throws {
      // However quick the machine is.
      let project = try AlteredProject(bootDelay: 60)
      defer { try? FileManager.default.removeItem(at: project.root) }
      let outcome = try await CrossbarProgram.run(
        ["run", "switch", "--boot-limit", "3"], environment: project.environment)
      #expect(outcome.exitCode == 3, "\(outcome.story)")
      #expect(
        outcome.errors.contains("its agent did not answer within 3.0 seconds. See the end of"))
      #expect(outcome.errors.contains("--boot-limit gives it more seconds."))
      #expect(outcome.errors.contains("It was booted twice, and hung the first time too: see"))
      #expect(outcome.errors.contains("console-boot-1.log"))
      #expect(outcome.images.isEmpty)
      #expect(HostProcesses.withCommandLine(containing: outcome.directory.path).isEmpty)
    }

    @Test func aGuestThatHangsAtBootIsBootedAgainAndTheRecordSaysSo() async throws {
      let outcome = try await CrossbarProgram.run(
        ["run", "switch", "--only", "ns0.gpu0.read-64k", "--boot-limit", "15", "--json"]
      ) { program in
        try await program.wait(for: "</domain>", in: "domain.xml")
        // Stopped, its processors stand still, as they do in a guest that has lost its timer.
        let qemu = try #require(program.qemu())
        kill(qemu, SIGSTOP)
        // Once it has been given up, it may obey libvirt at once.
        try await Task.sleep(for: .seconds(16))
        kill(qemu, SIGCONT)
      }
      #expect(outcome.exitCode == 0, "\(outcome.story)")
      let notice = "The guest hung while it booted: its agent did not answer within 15.0 seconds"
      #expect(outcome.errors.contains(notice))
      let document = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8))
      let retries = (document as? [String: Any])?["bootRetries"] as? [[String: Any]]
      let retry = try #require(retries?.first)
      #expect(retry["reason"] as? String == "its agent did not answer within 15.0 seconds")
      #expect(try #require(retry["seconds"] as? Double) > 15)
      let timings = try #require(try outcome.record()["timings"] as? [String: Double])
      #expect(try #require(timings["boot"]) < 15)
      // The first boot's console, and all else of the second boot alone.
      let console = outcome.directory.appending(path: "console-boot-1.log").path
      #expect(FileManager.default.fileExists(atPath: console))
      #expect(outcome.file("nvme-trace.log").contains("pci_nvme_read"))
      #expect(outcome.file("report.html").contains("<h2>Boots that hung</h2>"))
      #expect(try outcome.kinds() == ["verified": 1])
      #expect(outcome.images.isEmpty)
      #expect(HostProcesses.withCommandLine(containing: outcome.directory.path).isEmpty)
    }

    /// A program that plans a case and then does `deed`.
    private static func program(_ deed: String) -> String {
      """
      // SPDX-License-Identifier: GPL-2.0-only
      #include <signal.h>
      #include <stdio.h>
      #include <sys/reboot.h>
      #include <unistd.h>

      int main(void)
      {
      \tputs("KTAP version 1\\n1..1");
      \tfflush(stdout);
      \tsleep(1);
      \t\(deed);
      \tsleep(600);
      \treturn signal(SIGUSR1, SIG_IGN) == SIG_ERR || reboot(0) || 0;
      }
      """
    }
  }
}
