// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

extension GuestTests {
  /// Blocks of files, mapped for the GPU in the BAR of their controller; every account of the path
  /// has to agree.
  @Suite struct DeviceMapRuns {
    /// Some of every kind, for what does not need them all.
    private let some = ["read-*", "write-*", "rule1-*", "refused-*"].flatMap {
      ["--only", "*.\($0)"]
    }

    /// The cases that claim what `claim` accepts, with what they show of their path.
    private func cases(
      _ outcome: CrossbarProgram.Outcome, claiming claim: (String) -> Bool = { _ in true }
    ) throws -> [(name: String, gpu: [String: Any], files: [String: Any])] {
      try outcome.cases().compactMap { item in
        guard item["suite"] as? String == "device-map", let gpu = item["gpu"] as? [String: Any],
          let claimed = gpu["claim"] as? String, claim(claimed)
        else { return nil }
        return (
          try #require(item["name"] as? String), gpu, try #require(gpu["files"] as? [String: Any])
        )
      }
    }

    private func bytes(_ gpu: [String: Any], by ports: String...) -> Int {
      let bytes = gpu["bytes"] as? [String: Int] ?? [:]
      return ports.reduce(0) { $0 + (bytes[$1] ?? 0) }
    }

    private func pages(_ files: [String: Any], _ path: String) -> Int {
      (files["pages"] as? [String: Int])?[path] ?? -1
    }

    /// Bytes that the controllers moved from or to BARs.
    private func throughBARs(_ files: [String: Any]) -> Int {
      let controllers = files["controllers"] as? [String: [String: Int]] ?? [:]
      return controllers.values.reduce(0) {
        $0 + ($1["filled"] ?? 0) + ($1["writtenBack"] ?? 0) + ($1["otherBARs"] ?? 0)
      }
    }

    /// What a kernel without fault injection, QEMU's controller or a BAR of this size can't show.
    private static func skips(on topology: String) -> Set<String> {
      var names = [
        "rule3-write-zeroes", "rule4-error-once", "rule4-error-mended", "rule4-error-transient",
      ]
      if topology != "small-cmb" {
        names += ["rule7-again-full", "rule7-again-full-reset", "bar-exhausted"]
      }
      return Set(names.flatMap { ["gpu0.ns0.\($0)", "gpu0.ns1.\($0)"] })
    }

    /// All of the cases. The suites that share a guest have them for other topologies.
    @Test(arguments: [
      "switch", "bridge", "lba-4096", "small-cmb", "viommu-root-ports", "viommu-switch",
    ])
    func blocksGoDirectWhereThereIsAWay(topology: String) async throws {
      let outcome = try await CrossbarProgram.run(["run", topology, "--suite", "device-map"])
      #expect(outcome.exitCode == 0, "\(outcome.story)")
      #expect(try outcome.cases().count == 267)
      #expect(Set(try outcome.skips().keys) == Self.skips(on: topology))
      let direct = try cases(outcome) { $0.hasPrefix("direct:") }
      for volume in ["ns0", "ns1"] {
        #expect(direct.contains { $0.name.contains(".\(volume).") }, "\(volume)")
      }
      for item in direct {
        #expect(item.files["path"] as? String == "direct", "\(item.name)")
        #expect(bytes(item.gpu, by: "memory") == 0, "\(item.name)")
        #expect(bytes(item.gpu, by: "bus", "bar") > 0, "\(item.name)")
        #expect(pages(item.files, "direct") > 0, "\(item.name)")
        #expect(throughBARs(item.files) > 0, "\(item.name)")
      }
      #expect(outcome.output.contains("paths of file data"))
    }

    /// Rounds enough for each part to be there, and pages of the BAR lost to them in all.
    @Test func racesTakePagesBack() async throws {
      let outcome = try await CrossbarProgram.run([
        "run", "switch", "--suite", "device-map", "--only", "*.ns0.rule2-races-all", "--only",
        "*.ns1.rule2-races-all-reflink", "--rounds", "60",
      ])
      #expect(outcome.exitCode == 0, "\(outcome.story)")
      #expect(try outcome.kinds() == ["verified": 2])
      let lost = outcome.file("ktap.log").matches(
        of: /: the GPU lost (\d+) pages of the BAR in (\d+) rounds/)
      #expect(lost.count == 2)
      for match in lost {
        let (pages, rounds) = (try #require(Int(match.1)), try #require(Int(match.2)))
        #expect(rounds == 60 && pages >= rounds, "\(match.0)")
      }
    }

    private func expectNoBAR(_ outcome: CrossbarProgram.Outcome) throws {
      let all = try cases(outcome)
      #expect(all.count > 20)
      for item in all {
        #expect(bytes(item.gpu, by: "bus", "bar") == 0, "\(item.name)")
        #expect(pages(item.files, "direct") == 0, "\(item.name)")
        #expect(throughBARs(item.files) == 0, "\(item.name)")
      }
      #expect(all.contains { $0.files["path"] as? String == "fallback" })
    }

    /// Where there is no way, and no BAR.
    @Test(arguments: [("root-ports", false), ("no-cmb", true)])
    func withoutAWayEverythingFallsBack(topology: String, all: Bool) async throws {
      let outcome = try await CrossbarProgram.run(
        ["run", topology, "--suite", "device-map"] + (all ? [] : some))
      #expect(outcome.exitCode == 0, "\(outcome.story)")
      try expectNoBAR(outcome)
    }

    @Test func theFallbackAloneNeverTouchesTheBAR() async throws {
      let outcome = try await CrossbarProgram.run(
        ["run", "switch", "--suite", "device-map", "--path", "fallback"])
      #expect(outcome.exitCode == 0, "\(outcome.story)")
      try expectNoBAR(outcome)
      let options = try #require(try outcome.record()["options"] as? [String: Any])
      #expect(options["path"] as? String == "fallback")
    }

    /// Those that would take both ways, too, and no part of the cases is let off.
    @Test(arguments: [["*.read-page", "*.rule6-private-refused", "*.refused-*"], ["*.refused-*"]])
    func theDirectPathFailsLoudlyWhereThereIsNone(patterns: [String]) async throws {
      let outcome = try await CrossbarProgram.run(
        ["run", "root-ports", "--suite", "device-map", "--path", "direct"]
          + patterns.flatMap { ["--only", $0] })
      #expect(outcome.exitCode == 1, "\(outcome.story)")
      let kinds = try outcome.kinds()
      #expect(Set(kinds.keys) == ["failed"] && (kinds["failed"] ?? 0) >= 12, "\(kinds)")
      let failures = try #require(try outcome.record()["failures"] as? [String])
      #expect(failures.contains { $0.contains("no GPU has a way to the BAR of nvme0") })
      // Who tries to go there is told by the kernel; if nobody does, the run owes it.
      let isTried = patterns.contains("*.read-page")
      #expect(failures.contains { $0.contains("EREMOTEIO") } == isTried, "\(failures)")
      for volume in ["ns0", "ns1"] {
        #expect(
          failures.contains { $0.contains("No case of \(volume) can go direct to gpu0") },
          "\(failures)")
      }
      #expect(outcome.output.contains("FAILED"))
    }

    /// What is larger than the BAR would go direct in part only.
    @Test func theDirectPathFailsWhereTheBARIsTooSmall() async throws {
      let outcome = try await CrossbarProgram.run([
        "run", "small-cmb", "--suite", "device-map", "--path", "direct", "--only",
        "*.read-whole-*m",
      ])
      #expect(outcome.exitCode == 1, "\(outcome.story)")
      for item in try outcome.cases() {
        let name = try #require(item["name"] as? String)
        let end = try #require(item["outcome"] as? [String: Any])
        #expect((end["kind"] as? String == "verified") == name.hasSuffix("-1m"), "\(name) \(end)")
        guard !name.hasSuffix("-1m") else { continue }
        #expect((end["explanation"] as? String)?.contains("ENOSPC") == true, "\(name) \(end)")
      }
      #expect(try outcome.kinds() == ["verified": 2, "failed": 4])
    }

    /// The bytes are right, and the program says that they came from the BAR.
    @Test func aFallbackThatIsCalledDirectIsAWrongPath() async throws {
      let outcome = try await CrossbarProgram.run([
        "run", "switch", "--suite", "device-map", "--only", "*.read-whole-1m", "--sabotage",
        "fallback-as-direct",
      ])
      #expect(outcome.exitCode == 1, "\(outcome.story)")
      let kinds = try outcome.cases().map { try #require($0["outcome"] as? [String: Any]) }
      #expect(!kinds.isEmpty)
      // Of each kind of finding the first ones are kept; the counters tell of the other cases.
      let failures = kinds.compactMap { $0["failure"] as? String }
      #expect(failures.first == "sanitizer finding")
      #expect(failures.allSatisfy { ["sanitizer finding", "wrong path"].contains($0) })
      #expect(failures.count == kinds.count)
      #expect(outcome.sentences.contains("wrongPath: The case claims the BAR of nvme0, but"))
    }

    /// Without the sanitizer, who sees each access, the counters of the GPU's ports still tell.
    @Test func theCountersAloneTellAWrongPathToo() async throws {
      let outcome = try await CrossbarProgram.run([
        "run", "switch", "--suite", "device-map", "--only", "*.read-whole-1m", "--sabotage",
        "fallback-as-direct", "--no-sanitizer",
      ])
      #expect(outcome.exitCode == 1, "\(outcome.story)")
      let kinds = try outcome.cases().map { try #require($0["outcome"] as? [String: Any]) }
      #expect(!kinds.isEmpty)
      for kind in kinds { #expect(kind["failure"] as? String == "wrong path") }
      #expect(outcome.sentences.contains("bytes from or to system memory"))
    }

    @Test(arguments: [
      ("wrong-path", "wrongPath"), ("stray-address", "strayAccess"), ("flip-bit", "corruptPayload"),
    ])
    func whatTheEngineDoesWrongIsFoundByName(injection: String, finding: String) async throws {
      let outcome = try await CrossbarProgram.run([
        "run", "switch", "--suite", "device-map", "--only", "*.ns0.read-whole-1m", "--inject",
        injection,
      ])
      #expect(outcome.exitCode == 1, "\(outcome.story)")
      let sanitizer = try #require(try outcome.record()["sanitizer"] as? [String: Any])
      let report = try #require(sanitizer["gpu0"] as? [String: Any])
      let counts = try #require(report["counts"] as? [String: Int])
      #expect(counts[finding] ?? 0 > 0, "\(counts)")
    }

    /// Both suites of the GPU number their cases from 1; neither's cases are taken for the other's.
    @Test func allSuitesAreVerifiedInOneGuest() async throws {
      let outcome = try await CrossbarProgram.run([
        "run", "switch", "--suite", "all", "--only", "*.read-*", "--only", "gpu0.copy-*",
      ])
      #expect(outcome.exitCode == 0, "\(outcome.story)")
      let suites = Set(try outcome.cases().compactMap { $0["suite"] as? String })
      #expect(suites == ["p2pdma", "gpu", "device-map"])
    }

    @Test func aPathForAnotherSuiteIsAWrongRequest() async throws {
      let outcome = try await CrossbarProgram.run(["run", "switch", "--path", "direct"])
      #expect(outcome.exitCode == 2)
      #expect(outcome.errors.contains("the suite p2pdma has no use for it"))
      #expect(!FileManager.default.fileExists(atPath: outcome.directory.path))
    }

    /// Where the IOMMU translates for the one suite and passes through for the others.
    @Test func aVirtualIOMMUDoesNotDoBothInOneGuest() async throws {
      let outcome = try await CrossbarProgram.run(["run", "viommu-switch", "--suite", "all"])
      #expect(outcome.exitCode == 2)
      #expect(outcome.errors.contains("Run them one after the other: --suite p2pdma, then"))
      #expect(!FileManager.default.fileExists(atPath: outcome.directory.path))
    }
  }
}
