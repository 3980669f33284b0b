// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

extension GuestTests {
  /// The peer GPU touches pointers of a process, and the DMA sanitizer looks at each access.
  @Suite struct GPURuns {
    /// The suites that share a guest with this one have tests of their own for the other topologies.
    @Test(arguments: ["switch", "root-ports", "root-ports-zen", "two-controllers"])
    func everyTopologyIsVerified(topology: String) async throws {
      let outcome = try await CrossbarProgram.run(["run", topology, "--suite", "all"])
      #expect(outcome.exitCode == 0, "\(outcome.story)")
      let cases = try outcome.cases().filter { $0["suite"] as? String == "gpu" }
      // Each of them has two volumes.
      #expect(cases.count == 198)
      #expect(try outcome.skips(of: "gpu").isEmpty)
      for item in cases {
        let end = try #require(item["outcome"] as? [String: Any])
        guard end["kind"] as? String == "verified" else { continue }
        let name = item["name"] as? String ?? ""
        let activity = try #require(item["gpu"] as? [String: Any], "\(name)")
        for count in ["doorbells", "interrupts"] {
          #expect((activity[count] as? Int ?? 0) > 0, "\(name): \(count)")
        }
        // One that moved bytes had to fault first.
        let bytes = try #require(activity["bytes"] as? [String: Any], "\(name)")
        #expect(bytes.isEmpty || (activity["faults"] as? Int ?? 0) > 0, "\(name)")
      }
      let sanitizer = try #require(try outcome.record()["sanitizer"] as? [String: Any])
      let report = try #require(sanitizer["gpu0"] as? [String: Any])
      #expect((report["findings"] as? [Any])?.isEmpty == true)
      let total = try #require(report["total"] as? [String: Any])
      #expect((total["accesses"] as? Int ?? 0) > 1000)
    }

    /// So many rounds that a race in which nothing was under way fails.
    @Test func racesMeet() async throws {
      let outcome = try await CrossbarProgram.run(
        ["run", "switch", "--suite", "gpu", "--only", "*races-*", "--rounds", "25"])
      #expect(outcome.exitCode == 0, "\(outcome.story)")
      #expect(try outcome.cases().count == 8)
    }

    /// Each one's log is held against its own events, though both have an address space 0.
    @Test func twoGPUsAreToldApart() async throws {
      let source = CrossbarProgram.checkout.appending(path: "qemu-configs/topologies/switch.yaml")
      var text = try String(contentsOf: source, encoding: .utf8)
      for (first, second) in [
        (
          "  - {id: dp1, model: switch-downstream, bus: up0}",
          "  - {id: dp2, model: switch-downstream, bus: up0}"
        ),
        (
          "  - {id: gpu0, bus: dp1, video-memory: 256MiB}",
          "  - {id: gpu1, bus: dp2, video-memory: 64MiB}"
        ),
        (
          "  - {from: nvme0, to: gpu0, route: switch}",
          "  - {from: nvme0, to: gpu1, route: switch}"
        ),
      ] {
        try #require(text.contains(first))
        text.replace(first, with: "\(first)\n\(second)")
      }
      text.replace("name: switch", with: "name: two-gpus")
      let directory = CrossbarProgram.temporaryDirectory()
      defer { try? FileManager.default.removeItem(at: directory) }
      try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
      let path = directory.appending(path: "two-gpus.yaml")
      try Data(text.utf8).write(to: path)
      let outcome = try await CrossbarProgram.run([
        "run", path.path, "--suite", "all", "--only", "gpu?.copy-*", "--only", "*.munmap*",
        "--only", "*.read-whole-1m",
      ])
      #expect(outcome.exitCode == 0, "\(outcome.story)")
      let sanitizer = try #require(try outcome.record()["sanitizer"] as? [String: Any])
      for gpu in ["gpu0", "gpu1"] {
        let report = try #require(sanitizer[gpu] as? [String: Any])
        #expect((report["findings"] as? [Any])?.isEmpty == true)
        #expect((report["limitations"] as? [Any])?.isEmpty == true)
        let total = try #require(report["total"] as? [String: Any])
        #expect((total["accesses"] as? Int ?? 0) > 100)
        // Both use QEMU's one socket for the controller's BAR.
        let direct = try outcome.cases().filter { item in
          let name = item["name"] as? String ?? ""
          let files = (item["gpu"] as? [String: Any])?["files"] as? [String: Any]
          return name.hasPrefix(gpu) && files?["path"] as? String == "direct"
        }
        #expect(!direct.isEmpty, "\(gpu)")
      }
    }

    /// What the engine does wrong on purpose, and the name under which the sanitizer has to find it.
    static let mutations: [(injection: String, only: String, finding: String)] = [
      ("ignore-invalidation", "gpu0.munmap*", "useAfterRevoke"),
      ("late-invalidation=8", "*races-*", "lateAcknowledgment"),
      ("stray-address", "gpu0.copy-*", "strayAccess"),
      ("lose-fence", "gpu0.copy-*", "lostFence"),
      ("wrong-path", "gpu0.fill-anonymous", "wrongPath"),
      ("flip-bit", "gpu0.ns0.crc32c-*", "corruptPayload"),
    ]

    @Test(arguments: mutations)
    func whatTheEngineDoesWrongIsFoundByName(
      injection: String, only: String, finding: String
    ) async throws {
      // A late acknowledgment is told from an ignored invalidation by the engine's return to the page,
      // which a race brings about in most runs, but not in each.
      var counts: [String: Int] = [:]
      for _ in 0..<(finding == "lateAcknowledgment" ? 4 : 1) where counts[finding] == nil {
        let outcome = try await CrossbarProgram.run([
          "run", "switch", "--suite", "gpu", "--only", only, "--inject", injection,
        ])
        #expect(outcome.exitCode == 1, "\(outcome.story)")
        let sanitizer = try #require(try outcome.record()["sanitizer"] as? [String: Any])
        let report = try #require(sanitizer["gpu0"] as? [String: Any])
        counts = try #require(report["counts"] as? [String: Int])
      }
      #expect(counts[finding] ?? 0 > 0, "\(counts)")
    }

    /// What the program sees of them by itself: wrong bytes or a command that never ends, under another
    /// name; and of a wrong path, nothing at all.
    static let unnamed: [(injection: String, only: String, failure: String?)] = [
      ("stray-address", "gpu0.copy-*", "copy"), ("lose-fence", "gpu0.copy-*", "copy"),
      ("flip-bit", "gpu0.ns0.crc32c-*", "instead of"), ("wrong-path", "gpu0.fill-anonymous", nil),
    ]

    @Test(arguments: unnamed)
    func withoutTheSanitizerNobodyNamesThem(
      injection: String, only: String, failure: String?
    ) async throws {
      let outcome = try await CrossbarProgram.run([
        "run", "switch", "--suite", "gpu", "--only", only, "--inject", injection,
        "--no-sanitizer",
      ])
      #expect(outcome.exitCode == (failure == nil ? 0 : 1), "\(outcome.story)")
      let record = try outcome.record()
      #expect((record["sanitizer"] as? [String: Any])?.isEmpty == true)
      #expect((record["options"] as? [String: Any])?["sanitizer"] as? String == "off")
      #expect(outcome.output.contains("DMA sanitizer: off"))
      let failures = try #require(record["failures"] as? [String])
      #expect(failures.isEmpty == (failure == nil))
      for sentence in failures {
        #expect(sentence.contains(failure ?? ""))
        for mutation in Self.mutations { #expect(!sentence.contains(mutation.finding)) }
      }
    }

    /// Whether the program sees anything of these depends on who came to the place meanwhile.
    @Test(arguments: mutations.prefix(2))
    func withoutTheSanitizerNobodyNamesWhatARevocationMissed(
      injection: String, only: String, finding: String
    ) async throws {
      let outcome = try await CrossbarProgram.run([
        "run", "switch", "--suite", "gpu", "--only", only, "--inject", injection,
        "--no-sanitizer",
      ])
      #expect([0, 1].contains(outcome.exitCode), "\(outcome.story)")
      let record = try outcome.record()
      #expect((record["sanitizer"] as? [String: Any])?.isEmpty == true)
      for sentence in try #require(record["failures"] as? [String]) {
        for mutation in Self.mutations { #expect(!sentence.contains(mutation.finding)) }
      }
    }

    /// Without digests the engine moves data from mapping to mapping, as it does for the benchmark.
    @Test func theSuiteIsVerifiedWithoutTheSanitizerToo() async throws {
      let outcome = try await CrossbarProgram.run([
        "run", "switch", "--suite", "gpu", "--no-sanitizer", "--only", "gpu0.c*", "--only",
        "gpu0.ns*.*", "--only", "*.soak",
      ])
      #expect(outcome.exitCode == 0, "\(outcome.story)")
      #expect(try outcome.cases().count > 80)
    }

    /// The same seed brings the same commands; another one does not.
    @Test func aSeedRepeatsTheCommandsOfASoak() async throws {
      var digests: [[String]] = []
      for seed in ["7", "7", "8"] {
        let outcome = try await CrossbarProgram.run([
          "run", "switch", "--suite", "gpu", "--only", "*.soak", "--soak", "3", "--seed", seed,
        ])
        #expect(outcome.exitCode == 0, "\(outcome.story)")
        let lines = outcome.file("ktap.log").split(separator: "\n")
          .filter { $0.contains("digest of the first") }
        digests.append(lines.map { String($0.suffix(8)) })
      }
      let common = min(digests[0].count, digests[1].count)
      #expect(common > 0, "no run came to 256 commands")
      #expect(digests[0].prefix(common) == digests[1].prefix(common))
      #expect(digests[0].first != digests[2].first)
    }

    @Test func aSuiteThatBreaksOffIsStillSanitized() async throws {
      let outcome = try await CrossbarProgram.run([
        "run", "switch", "--suite", "gpu", "--limit", "12", "--inject", "stray-address",
      ])
      #expect(outcome.exitCode == 1, "\(outcome.story)")
      let record = try outcome.record()
      #expect(record["interruption"] is String)
      let sanitizer = try #require(record["sanitizer"] as? [String: Any])
      let report = try #require(sanitizer["gpu0"] as? [String: Any])
      let counts = try #require(report["counts"] as? [String: Int])
      #expect(counts["strayAccess"] ?? 0 > 0, "\(counts)")
    }

    /// The engine's DMA is not translated, so the guest's IOMMU is told to leave that of all devices.
    @Test func aVirtualIOMMUPassesTheDMAThrough() async throws {
      let outcome = try await CrossbarProgram.run(["run", "viommu-root-ports", "--suite", "gpu"])
      #expect(outcome.exitCode == 0, "\(outcome.story)")
      #expect(try outcome.kinds() == ["verified": 198])
      #expect(outcome.output.contains(" · IOMMU passes through · "))
      #expect(outcome.file("domain.xml").contains("iommu.passthrough=1"))
    }
  }
}
