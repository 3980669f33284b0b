// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

extension GuestTests {
  /// A kernel with lockdep, KASAN, fault injection and the KUnit tests of the series: what any other
  /// one skips or survives.
  @Suite struct DebugKernelRuns {
    private func run(_ suite: String, only patterns: [String]) async throws
      -> CrossbarProgram.Outcome
    {
      let outcome = try await CrossbarProgram.run(
        [
          "run", "switch", "--suite", suite, "--kernel", "7.2-debug", "--boot-limit", "200",
          "--silence-limit", "200",
        ] + patterns.flatMap { ["--only", $0] })
      #expect(outcome.exitCode == 0, "\(outcome.story)")
      let kernel = try #require(try outcome.record()["kernel"] as? [String: Any])
      #expect(kernel["flavour"] as? String == "7.2-debug")
      return outcome
    }

    /// Some cases of each rule, those that wait for errors of the disk among them.
    @Test func someOfEachRuleIsVerified() async throws {
      let patterns = [
        "read-whole-1m", "write-odd", "refused-*", "rule1-read-revokes", "rule1-store-revokes",
        "rule1-direct-write-revokes", "rule2-*-running", "*races-*", "rule3-truncate",
        "rule3-punch", "rule4-*", "rule5-tail-*", "rule6-[gm]*", "rule7-reserved-*",
        "rule9-*",
        "rule10-*",
      ]
      let outcome = try await run("device-map", only: patterns.map { "*.\($0)" })
      #expect(try outcome.skips().isEmpty)
      let kinds = try outcome.kinds()
      #expect((kinds["verified"] ?? 0) >= 120, "\(kinds)")
      let names = Set(try outcome.cases().compactMap { $0["name"] as? String })
      #expect(
        names.isSuperset(of: ["gpu0.ns0.rule4-error-once", "gpu0.ns1.rule4-error-once"]), "\(names)"
      )
    }

    /// The kernel has run each test that the series has, and none failed or was skipped.
    @Test func everyKUnitTestOfTheSeriesPasses() async throws {
      let outcome = try await run("regression", only: ["kunit.*"])
      #expect(try outcome.kinds() == ["verified": 3])
      let totals = outcome.file("ktap.log").matches(
        of: /# Totals: pass:([0-9]+) fail:0 skip:0 total:([0-9]+)/)
      #expect(totals.count == 3)
      #expect(totals.allSatisfy { $0.output.1 == $0.output.2 })
      let passed = totals.compactMap { Int($0.output.1) }.reduce(0, +)
      #expect(passed == (try Self.writtenTests()) && passed > 0)
    }

    /// How many tests the sources of the series have.
    private static func writtenTests() throws -> Int {
      let files = CrossbarProgram.checkout.appending(path: "images/kernel/files")
      return try FileManager.default.subpathsOfDirectory(atPath: files.path)
        .filter { $0.hasSuffix("test.c") }
        .reduce(0) { sum, name in
          let text = try String(contentsOf: files.appending(path: name), encoding: .utf8)
          return sum + text.matches(of: /\bKUNIT_CASE(_PARAM)?\(/).count
        }
    }
  }
}
