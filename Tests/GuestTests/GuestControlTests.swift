// SPDX-License-Identifier: Apache-2.0

import Foundation
import Harness
import Hypervisor
import Testing
import Topology

extension GuestTests {
  /// What the library offers beyond a run: files out of the guest, and QEMU's monitor.
  @Suite struct GuestControl {
    @Test func filesComeOutAndTheMonitorAnswers() async throws {
      try await withGuest { guest in
        let version = try await guest.pull("/proc/version")
        #expect(String(decoding: version, as: UTF8.self).hasPrefix("Linux version "))
        let error = await #expect(throws: HypervisorError.self) {
          try await guest.pull("/bin/busybox", limit: 1000)
        }
        #expect(error?.kind == .limitExceeded)
        #expect(
          error?.description
            == "can't pull /bin/busybox out of the guest: it has more than 1000 bytes")

        let status = try await guest.qmp(#"{"execute":"query-status"}"#)
        #expect(status.contains(#""status":"running""#))
        #expect(try await guest.humanMonitor("info pci").contains("nvme"))
        let refused = await #expect(throws: HypervisorError.self) {
          try await guest.qmp("not JSON")
        }
        #expect(refused?.kind == .libvirt)
      }
    }

    @Test func aGuestThatIsPausedIsSilentAndCanStillBeEnded() async throws {
      try await withGuest { guest in
        let run = try await guest.runProgram(
          "/bin/busybox", ["sh", "-c", "while :; do echo tick; sleep 0.1; done"],
          limits: ProgramLimits(idle: .seconds(2)))
        var lines = run.lines.makeAsyncIterator()
        #expect(try await lines.next() == "tick")
        _ = try await guest.qmp(#"{"execute":"stop"}"#)
        let error = await #expect(throws: HypervisorError.self) {
          while try await lines.next() != nil {}
        }
        #expect(error?.kind == .guestSilent)
        #expect(error?.problem == "it said nothing for 2.0 seconds")
        #expect(await guest.destroy().cause == .destroyed)
      }
    }

    /// A child in a group of its own, as the kernel's selftests give each of theirs.
    private static let grouped = """
      #include <unistd.h>
      int main(void)
      {
        if (!fork())
          setpgid(0, 0);
        for (;;)
          pause();
      }

      """

    /// What ends a little after the program that started it is waited for, and no longer than that.
    @Test func whatAProgramLeavesBehindIsWaitedFor() async throws {
      try await withGuest { guest in
        let limits = ProgramLimits(death: .seconds(3))
        for (seconds, kind) in [(1, nil), (600, HypervisorError.Kind.programStuck)] {
          let first = try await guest.runProgram(
            "/bin/busybox", ["sh", "-c", "sleep \(seconds) & exit 0"], limits: limits)
          #expect(try await first.exit().status == 0)
          let next = try await guest.runProgram("/bin/busybox", ["true"], limits: limits)
          var found: HypervisorError.Kind?
          do {
            #expect(try await next.exit().status == 0)
          } catch let error as HypervisorError {
            found = error.kind
          }
          #expect(found == kind, "\(seconds) s")
        }
      }
    }

    /// A thread that hangs in the kernel, and a leader that has ended: to the eye, a zombie.
    private static let hanging = """
      #include <fcntl.h>
      #include <pthread.h>
      static void *hang(void *unused)
      {
        open("/mnt/file", O_CREAT | O_WRONLY, 0600);
        return unused;
      }
      int main(void)
      {
        pthread_t thread;
        pthread_create(&thread, 0, hang, 0);
        pthread_exit(0);
      }

      """

    /// A program for the guest, whose libraries it need not have.
    private static func compile(_ source: String) throws -> [UInt8] {
      let directory = TemporaryDirectories.path()
      try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
      let (file, program) = (directory.path + "/program.c", directory.path + "/program")
      try Data(source.utf8).write(to: URL(filePath: file))
      try command("/usr/bin/gcc", "-static", "-pthread", "-o", program, file)
      return Array(try Data(contentsOf: URL(filePath: program)))
    }

    private static func command(_ path: String, _ arguments: String...) throws {
      let process = try Process.run(URL(filePath: path), arguments: arguments)
      process.waitUntilExit()
      try #require(process.terminationStatus == 0)
    }

    @Test func aProgramThatIsGivenUpTakesAllItStartedAlong() async throws {
      try await withGuest { guest in
        try await guest.push(try Self.compile(Self.grouped), to: "/run/grouped")
        let run = try await guest.runProgram(
          "/bin/busybox", ["sh", "-c", "/run/grouped; :"],
          limits: ProgramLimits(total: .seconds(2)))
        let error = await #expect(throws: HypervisorError.self) { try await run.exit() }
        #expect(error?.kind == .timeout)
        let processes = try await guest.execute("/bin/busybox", ["ps", "-o", "args"])
        #expect(!processes.outputText.contains("/run/grouped"), "\(processes.outputText)")
        // It would have the channel.
        let next = try await guest.runProgram("/bin/busybox", ["true"])
        #expect(try await next.exit().status == 0)
      }
    }

    @Test(arguments: [": >/mnt/file", "exec /run/hanging"])
    func aProgramThatCannotBeKilledIsToldApart(deed: String) async throws {
      try await withGuest { guest in
        try await guest.push(try Self.compile(Self.hanging), to: "/run/hanging")
        let frozen = """
          mount -t xfs /dev/nvme0n1 /mnt && fsfreeze --freeze /mnt || exit 1
          echo frozen
          \(deed)
          """
        let run = try await guest.runProgram(
          "/bin/busybox", ["sh", "-c", frozen],
          limits: ProgramLimits(total: .seconds(3), death: .seconds(2)))
        var lines = run.lines.makeAsyncIterator()
        #expect(try await lines.next() == "frozen")
        let error = await #expect(throws: HypervisorError.self) { try await run.exit() }
        #expect(error?.kind == .programStuck, "\(error?.description ?? "")")
        let thaw = try await guest.execute("/bin/busybox", ["fsfreeze", "--unfreeze", "/mnt"])
        #expect(thaw.status == 0, "\(thaw.errorText)")
      }
    }

    /// Boots a guest with one controller and nothing else.
    private func withGuest(_ body: (Guest) async throws -> Void) async throws {
      let directory = TemporaryDirectories.path().path
      try FileManager.default.createDirectory(
        atPath: directory, withIntermediateDirectories: true)
      let image = directory + "/ns0.img"
      try Data().write(to: URL(filePath: image))
      try #require(truncate(image, 512 << 20) == 0)
      try Self.command("/usr/sbin/mkfs.xfs", "-q", image)
      let workshop = try Workshop.standard()
      let topology = try Topology.parse(
        """
        crossbar: topology/1
        name: bare
        summary: One controller.
        machine: {cpu: max, vcpus: 1, memory: 512MiB, iommu: none}
        nvme:
          - {id: nvme0, cmb: 64MiB, namespaces: [{id: ns0, size: 512MiB, lba: 512, filesystem: xfs}]}
        """, file: "bare.yaml")
      let description = GuestDescription(
        name: "control-\(getpid())", topology: topology,
        kernel: try await workshop.kernel(.flavour(nil)) { _ in }.path.string,
        initramfs: try await workshop.initramfs { _ in }.string, images: ["ns0": image],
        gpuServers: [:], accelerator: .tcg, logs: .init(directory: directory))
      // A test process can't be its own supervisor.
      let hypervisor = try await Hypervisor.open(
        cache: workshop.libvirtCache, supervised: false)
      do {
        let guest = try await Guest.start(description, on: hypervisor)
        try await guest.waitForAgent()
        try await body(guest)
        await guest.destroy()
      } catch {
        await hypervisor.close()
        throw error
      }
      await hypervisor.close()
      #expect(HostProcesses.withCommandLine(containing: directory).isEmpty)
    }
  }
}
