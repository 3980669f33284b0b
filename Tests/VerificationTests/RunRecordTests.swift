// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import Verification

@Suite struct RunRecordTests {
  private func record(
    _ cases: [CaseRecord], interruption: String? = nil,
    sanitizer: [String: SanitizerReport] = [:], console: [RunRecord.ConsoleReport] = []
  ) -> RunRecord {
    var timings = RunRecord.Timings()
    timings.boot = 2.25
    return RunRecord(
      suite: "p2pdma", topology: topology(), topologyFile: "fixture.yaml",
      strict: false, cases: cases, interruption: interruption, timings: timings,
      environment: .init(
        crossbar: "0.1", hostKernel: "6.1", hostProcessors: 2, qemu: "7.2.22", libvirt: "9.0.0",
        accelerator: "tcg"),
      kernel: .init(release: "7.2.12", origin: "linux-source-7.2"), seeds: ["content": 7],
      sanitizer: sanitizer, console: console)
  }

  private func failed() -> CaseRecord {
    assess(observation(direct: report(.direct, mismatch: wrongZeros)))
  }

  @Test func comesBackAsItWasWritten() throws {
    let record = record(
      [assess(observation()), failed()],
      console: [.init(kind: "warning", line: 12, text: "WARNING: \u{1B}[31m")])
    let data = try record.encoded()
    #expect(try RunRecord(decoding: data) == record)
    #expect(try RunRecord(decoding: data).encoded() == data)
  }

  @Test func whatTheSanitizerCouldNotLookAtIsNotVerified() {
    var report = SanitizerReport()
    #expect(record([assess(observation())], sanitizer: ["gpu0": report]).verdict == .verified)
    report.excuses = ["lostFence in stall is no finding: the case asked for it."]
    #expect(record([assess(observation())], sanitizer: ["gpu0": report]).verdict == .verified)
    report.limitations = ["The kernel lost 7 events."]
    let blind = record([assess(observation())], sanitizer: ["gpu0": report])
    #expect(blind.verdict == .failed)
    #expect(blind.failures.joined().contains("kept from its work: The kernel lost 7 events"))
    // One failure is enough.
    let broken = record(
      [assess(observation())], interruption: "it ended", sanitizer: ["gpu0": report])
    #expect(broken.failures.count == 1)
  }

  @Test func knownLimitsAloneVerifyNothing() {
    var limited = assess(observation())
    limited.outcome = CaseOutcome(.knownLimit, .silentCorruption, "as the topology says")
    #expect(record([limited, assess(observation())]).verdict == .verified)
    #expect(
      record([limited]).failures == ["No case got beyond a known limit: nothing was verified."])
  }

  @Test func pathsOfFilesComeBackAsTheyWereWritten() throws {
    var item = DeviceMapScene().record
    item.suite = "device-map"
    let data = try record([item, DeviceMapScene.fallback.record]).encoded()
    let back = try RunRecord(decoding: data)
    #expect(back.cases.first == item)
    #expect(back.cases.compactMap(\.gpu?.files?.path) == [.direct, .fallback])
    #expect(try back.encoded() == data)
  }

  @Test func aBootThatWasGivenUpIsKeptWithItsConsole() throws {
    var record = record([assess(observation())])
    let plain = String(decoding: try record.encoded(), as: UTF8.self)
    #expect(!plain.contains("bootRetries"))
    record.add(BootRetry(reason: "it hung", console: "console-boot-1.log", seconds: 21.9))
    record.add(BootRetry(reason: "again", console: "console-life-3-boot-1.log", seconds: 60))
    #expect(record.verdict == .verified)
    #expect(record.logs["console of a boot that hung"] == "console-boot-1.log")
    #expect(record.logs["console of a boot that hung (2)"] == "console-life-3-boot-1.log")
    let back = try RunRecord(decoding: try record.encoded())
    #expect(back == record && back.bootRetries?.map(\.reason) == ["it hung", "again"])
  }

  @Test func aRecordOfAFormerVersionCanBeRead() throws {
    var item = DeviceMapScene().record
    item.suite = "device-map"
    item.gpu?.files = nil
    let text = String(decoding: try record([item]).encoded(), as: UTF8.self)
      .replacing(#""suite" : "device-map","#, with: "")
    #expect(!text.contains("device-map"))
    let back = try RunRecord(decoding: Data(text.utf8))
    #expect(back.cases.first?.suite == nil && back.cases.first?.gpu?.files == nil)
  }

  @Test func hasTheKeysThatTheFormatPromises() throws {
    let data = try record([assess(observation())]).encoded()
    let object = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    #expect(object["schema"] as? String == "crossbar.run/1")
    #expect(object["verdict"] as? String == "verified")
    let timings = try #require(object["timings"] as? [String: Double])
    #expect(Set(timings.keys) == ["boot", "push", "run", "verify", "stop"])
    let cases = try #require(object["cases"] as? [[String: Any]])
    let outcome = try #require(cases.first?["outcome"] as? [String: Any])
    #expect(outcome["kind"] as? String == "verified")
    let phases = try #require(cases.first?["phases"] as? [[String: Any]])
    let path = try #require(phases.first?["path"] as? [String: Any])
    let moved = try #require(path["moved"] as? [String: Any])
    #expect(moved["bar"] as? [String: Int] == ["gpu0": 8192])
    #expect(moved["memory"] as? Int == 0)
  }

  @Test func writesItsKeysInAStableOrder() throws {
    let record = record([assess(observation())])
    #expect(try record.encoded() == record.encoded())
    let text = String(decoding: try record.encoded(), as: UTF8.self)
    let keys = text.split(separator: "\n").filter { $0.hasPrefix("  \"") }
    #expect(keys == keys.sorted())
  }

  @Test func aFailedCaseFailsTheRun() {
    let record = record([assess(observation()), failed()])
    #expect(record.verdict == .failed)
    #expect(record.verdict.exitCode == 1)
    #expect(record.counts.failed == 1 && record.counts.verified == 1 && record.counts.total == 2)
    #expect(record.failures.first?.hasPrefix("ns0.gpu0.read-8k: silent corruption: The") == true)
  }

  @Test func aRunThatVerifiedNothingFailed() {
    #expect(record([]).failures == ["No case ran."])
    var skipped = observation(status: .skipped("no reason"))
    skipped.phases = [:]
    #expect(record([assess(skipped)]).verdict == .failed)
    #expect(record([assess(observation())]).verdict == .verified)
  }

  @Test func anInterruptionFailsTheRunAndComesFirst() {
    let record = record([failed()], interruption: "The guest panicked.")
    #expect(record.failures.first == "The suite did not come to its end: The guest panicked.")
  }

  @Test func aBrokenKernelFailsTheRun() {
    let good = assess(observation())
    let warning = RunRecord.ConsoleReport(kind: "iommu-fault", line: 3, text: "DMAR: fault")
    #expect(record([good], console: [warning]).verdict == .verified)
    let bug = RunRecord.ConsoleReport(kind: "kasan", line: 4, text: "BUG: KASAN: slab")
    #expect(record([good], console: [bug]).verdict == .failed)
    #expect(record([good], console: [bug]).failures.first?.contains("console.log:4") == true)
  }

  @Test(arguments: [
    ("panic", true), ("bug", true), ("warning", true), ("ubsan", true), ("kasan", true),
    ("lockdep", true), ("hung-task", true), ("stall", false), ("out-of-memory", false),
    ("iommu-fault", false),
  ])
  func whatTheKernelSaysOfItselfCounts(kind: String, isFatal: Bool) {
    let report = RunRecord.ConsoleReport(kind: kind, line: 3, text: "a splat")
    let verdict = record([assess(observation())], console: [report]).verdict
    #expect(verdict == (isFatal ? .failed : .verified))
  }

  /// One that translates may refuse; one that passes through has nothing to refuse.
  @Test func whatAnIOMMUThatPassesThroughRefusesIsAFailure() {
    let fault = RunRecord.ConsoleReport(kind: "iommu-fault", line: 3, text: "DMAR: fault")
    var environment = record([]).environment
    #expect(!fault.isFatal(iommu: nil) && !fault.isFatal(iommu: .translating))
    environment.iommu = .passThrough
    let run = RunRecord(
      suite: "gpu", topology: record([]).topology, topologyFile: "x.yaml", strict: false,
      cases: [assess(observation())], interruption: nil, timings: .init(), environment: environment,
      kernel: record([]).kernel, console: [fault])
    #expect(run.verdict == .failed)
    #expect(run.failures == ["The guest's kernel is in trouble: console.log:3: DMAR: fault"])
  }

  @Test func refusesAnotherSchema() throws {
    let data = try record([assess(observation())]).encoded()
    let other = String(decoding: data, as: UTF8.self)
      .replacing("crossbar.run/1", with: "crossbar.run/9")
    #expect(throws: RunRecordError.otherSchema("crossbar.run/9")) {
      try RunRecord(decoding: Data(other.utf8))
    }
    #expect(throws: RunRecordError.noRecord) { try RunRecord(decoding: Data("[]".utf8)) }
    let damaged = String(decoding: data, as: UTF8.self)
      .replacing("\"accelerator\"", with: "\"acelerator\"")
    #expect(throws: RunRecordError.damaged("no `environment.accelerator`")) {
      try RunRecord(decoding: Data(damaged.utf8))
    }
  }

  @Test func survivesMutatedRecords() throws {
    let bytes = Array(try record([assess(observation())]).encoded())
    var generator = SeededGenerator(state: 77)
    for _ in 0..<300 { _ = try? RunRecord(decoding: Data(generator.mutate(bytes))) }
  }

  @Test func numbersThatAreNoneDoNotPreventARecord() throws {
    var record = record([assess(observation())])
    record.timings.run = .infinity
    #expect(try RunRecord(decoding: record.encoded()).timings.run == .infinity)
  }
}
