// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

extension GuestTests {
  /// Things broken on purpose are caught, with the right exit code and a sentence that says what to do.
  @Suite struct BrokenRuns {
    @Test func aByteFlippedOnTheWayIsSilentCorruption() async throws {
      let outcome = try await CrossbarProgram.run(
        ["run", "switch", "--only", "ns0.gpu0.read-64k", "--sabotage", "flip-byte"])
      #expect(outcome.exitCode == 1, "\(outcome.story)")
      let failed = try #require(try outcome.cases().first?["outcome"] as? [String: Any])
      #expect(failed["failure"] as? String == "silent corruption")
      let explanation = try #require(failed["explanation"] as? String)
      #expect(explanation.contains("bit 0 of the byte at offset"), "\(explanation)")
    }

    @Test func aByteThatOnlyTheHostSeesFlippedIsCaughtByTheHost() async throws {
      let outcome = try await CrossbarProgram.run(
        ["run", "switch", "--only", "ns0.gpu0.read-64k", "--sabotage", "flip-unseen"])
      #expect(outcome.exitCode == 1, "\(outcome.story)")
      let failed = try #require(try outcome.cases().first?["outcome"] as? [String: Any])
      #expect(failed["failure"] as? String == "host view differs")
    }

    @Test func aFallbackThatIsCalledDirectIsAWrongPath() async throws {
      let outcome = try await CrossbarProgram.run(
        ["run", "switch", "--only", "ns0.gpu0.read-64k", "--sabotage", "fallback-as-direct"])
      #expect(outcome.exitCode == 1, "\(outcome.story)")
      #expect(outcome.sentences.contains("✗ ns0.gpu0.read-64k: wrong path"))
      #expect(
        outcome.sentences.contains(
          "The direct path claims the BAR of gpu0, but 65536 bytes moved through system memory"))
    }

    @Test func aStaleGenerationIsNamed() async throws {
      let outcome = try await CrossbarProgram.run(
        ["run", "switch", "--only", "ns0.gpu0.write-*", "--sabotage", "stale-write"])
      #expect(outcome.exitCode == 1, "\(outcome.story)")
      #expect(outcome.sentences.contains("✗ ns0.gpu0.write-sector: wrong disk content"))
      let stale = #/512 bytes at offset 2560 \([^)]*\) are stale: generation (\d+) where file \d+/#
      let match = try #require(outcome.sentences.firstMatch(of: stale))
      let found = try #require(Int(match.1))
      #expect(outcome.sentences.contains("generation \(found + 1), offset 2560 belongs."))
    }

    @Test func aPanickingGuestIsReportedWithItsPanic() async throws {
      let outcome = try await CrossbarProgram.run(["run", "switch", "--sabotage", "panic"])
      #expect(outcome.exitCode == 1, "\(outcome.story)")
      let panic =
        #/the guest's kernel panicked \(console\.log:\d+: Kernel panic - not syncing: sysrq/#
      #expect(outcome.sentences.contains(panic), "\(outcome.output)")
      #expect(outcome.sentences.contains("See the console from there on for the stack"))
    }

    @Test func aHangingGuestIsEnded() async throws {
      let outcome = try await CrossbarProgram.run(
        ["run", "switch", "--sabotage", "hang", "--silence-limit", "5"])
      #expect(outcome.exitCode == 1, "\(outcome.story)")
      #expect(
        outcome.sentences.contains(
          "in the guest: it said nothing for 5.0 seconds. The guest or the program hangs; see the "
            + "end of the console"))
    }

    @Test func aProgramThatDiesLeavesItsCasesUnverified() async throws {
      let outcome = try await CrossbarProgram.run(["run", "switch", "--sabotage", "exit"])
      #expect(outcome.exitCode == 1, "\(outcome.story)")
      #expect(outcome.output.contains("The guest program ended with status 7"))
    }

    @Test func aKilledQEMUIsAnEnvironmentFailure() async throws {
      let outcome = try await CrossbarProgram.run(["run", "switch"]) { program in
        try await program.wait(for: "ok 3 ", in: "ktap.log")
        let qemu = try #require(program.qemu())
        kill(qemu, SIGKILL)
      }
      #expect(outcome.exitCode == 3, "\(outcome.story)")
      #expect(
        outcome.errors.contains("can't run /run/crossbar/p2pcheck in the guest: QEMU died. See"))
    }

    @Test(.enabled(if: getuid() == 0, "mounting a small file system needs root"))
    func aFullDiskIsNamed() async throws {
      let mountPoint = CrossbarProgram.temporaryDirectory()
      try FileManager.default.createDirectory(at: mountPoint, withIntermediateDirectories: true)
      try #require(mount("crossbar-test", mountPoint.path, "tmpfs", 0, "size=8m") == 0)
      defer {
        umount2(mountPoint.path, CInt(MNT_DETACH))
        try? FileManager.default.removeItem(at: mountPoint)
      }
      let outcome = try await CrossbarProgram.run(
        ["run", "switch"], output: mountPoint.appending(path: "run"))
      #expect(outcome.exitCode == 3, "\(outcome.story)")
      #expect(outcome.errors.contains(mountPoint.path))
      #expect(outcome.errors.contains("and only 8 MiB are free; free some space"))
    }

    @Test(.enabled(if: getuid() == 0, "mounting a small file system needs root"))
    func aDiskThatFillsDuringARunIsNamed() async throws {
      let mountPoint = CrossbarProgram.temporaryDirectory()
      try FileManager.default.createDirectory(at: mountPoint, withIntermediateDirectories: true)
      try #require(mount("crossbar-test", mountPoint.path, "tmpfs", 0, "size=1g") == 0)
      defer {
        umount2(mountPoint.path, CInt(MNT_DETACH))
        try? FileManager.default.removeItem(at: mountPoint)
      }
      let outcome = try await CrossbarProgram.run(
        ["run", "switch"], output: mountPoint.appending(path: "run")
      ) { program in
        try await program.wait(for: "ok 3 ", in: "ktap.log")
        let filler = open(mountPoint.appending(path: "filler").path, O_WRONLY | O_CREAT, 0o600)
        defer { close(filler) }
        var status = statvfs()
        try #require(filler >= 0 && statvfs(mountPoint.path, &status) == 0)
        let free = Int(status.f_bavail) * Int(status.f_frsize)
        #expect(posix_fallocate(filler, 0, free - (8 << 20)) == 0)
      }
      #expect(outcome.exitCode == 3, "\(outcome.story)")
      #expect(outcome.errors.contains("less than 32 MiB are free where the run's logs"))
      #expect(outcome.errors.contains("Free some space, or put the run elsewhere with --output"))
    }

    @Test(arguments: [
      ("cmb: 64MiB", "cbm: 64MiB", "cbm"), ("bus: dp1", "bus: dp9", "dp9"),
      ("id: dp1,", "id: dp0,", "dp0"), ("cmb: 64MiB", "cmb: 48MiB", "power of two"),
    ])
    func aWrongTopologyIsRefusedWithItsLine(
      right: String, wrong: String, named: String
    ) async throws {
      let source = CrossbarProgram.checkout.appending(path: "qemu-configs/topologies/switch.yaml")
      let text = try String(contentsOf: source, encoding: .utf8)
      try #require(text.contains(right))
      let broken = CrossbarProgram.temporaryDirectory().appendingPathExtension("yaml")
      try text.replacing(right, with: wrong).write(to: broken, atomically: true, encoding: .utf8)
      defer { try? FileManager.default.removeItem(at: broken) }
      let outcome = try await CrossbarProgram.run(["run", broken.path])
      #expect(outcome.exitCode == 2)
      #expect(outcome.errors.contains("\(broken.lastPathComponent):"))
      #expect(outcome.errors.contains(named))
      #expect(!FileManager.default.fileExists(atPath: outcome.directory.path))
    }

    @Test func aDamagedKernelInTheCacheIsNamedAndBuiltAgain() async throws {
      let cache = CrossbarProgram.temporaryDirectory()
      defer { try? FileManager.default.removeItem(at: cache) }
      let kernel = try await CachedKernel.copied(to: cache)
      try kernel.damage()
      let outcome = try await CrossbarProgram.run(
        ["kernel", "build"], environment: ["CROSSBAR_CACHE": cache.path]
      ) { program in
        // That it is built is enough to see here; the build to the end is a unit test's.
        try await program.wait(forError: "is damaged")
        while kernel.buildsUnderWay.isEmpty { try await Task.sleep(for: .milliseconds(20)) }
        program.signal(SIGINT)
      }
      #expect(
        outcome.errors.contains(
          "the cached kernel 7.2 in \(kernel.entry.path) is damaged (the SHA-256 of bzImage is"))
      #expect(outcome.errors.contains("it is removed and built again"))
      #expect(outcome.exitCode == 130, "\(outcome.errors)")
      #expect(!FileManager.default.fileExists(atPath: kernel.entry.path))
      #expect(kernel.buildsUnderWay.isEmpty)
    }

    /// Before anybody waits for those that were meant, and without a trace.
    @Test(arguments: [["nothing-*"], ["ns0.gpu0.read-4k", "ns0.gpu0.raed-*", "nothing-*"]])
    func aPatternThatMatchesNoCaseIsAWrongRequest(patterns: [String]) async throws {
      let outcome = try await CrossbarProgram.run(
        ["run", "switch"] + patterns.flatMap { ["--only", $0] })
      #expect(outcome.exitCode == 2, "\(outcome.story)")
      #expect(outcome.errors.contains("No case of the suite p2pdma on switch matches --only '"))
      #expect(outcome.errors.contains("--only 'nothing-*'. With --list instead"))
      #expect(outcome.errors.contains("--only 'ns0.gpu0.raed-*'") == (patterns.count == 3))
      #expect(!outcome.errors.contains("read-4k"))
      #expect(!FileManager.default.fileExists(atPath: outcome.directory.path))
    }

    @Test func anUnknownTopologyIsRefusedWithASuggestion() async throws {
      let outcome = try await CrossbarProgram.run(["run", "swich"])
      #expect(outcome.exitCode == 2)
      #expect(
        outcome.errors.contains("there is no topology `swich`; did you mean `switch`? Known are"))
      #expect(!FileManager.default.fileExists(atPath: outcome.directory.path))
    }

    @Test func anUnknownProcessorIsAWrongTopology() async throws {
      let source = CrossbarProgram.checkout.appending(path: "qemu-configs/topologies/switch.yaml")
      let text = try String(contentsOf: source, encoding: .utf8)
      let broken = CrossbarProgram.temporaryDirectory().appendingPathExtension("yaml")
      try text.replacing("cpu: max", with: "cpu: NoSuchCPU")
        .write(to: broken, atomically: true, encoding: .utf8)
      defer { try? FileManager.default.removeItem(at: broken) }
      let outcome = try await CrossbarProgram.run(["run", broken.path])
      #expect(outcome.exitCode == 2, "\(outcome.errors)")
      #expect(
        outcome.errors.contains(
          "Unknown CPU model NoSuchCPU. Correct `cpu: NoSuchCPU` in the topology switch;"))
    }
  }
}
