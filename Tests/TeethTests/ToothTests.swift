// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// That teeth are what they should be. Whether they bite, `TeethTests` finds out.
@Suite struct ToothTests {
  private let head = "A bug on purpose.\n\nRule: Rule 5, end of file\nCaught-by: gpu0.ns0.tail\n"

  @Test func theHeadNamesRuleAndCase() throws {
    let tooth = try Tooth(text: head + "\nWords.\n\n--- a/x\n+++ b/x\n", path: "/t/late.patch")
    #expect(tooth.rule == "Rule 5, end of file")
    #expect(tooth.pattern == "gpu0.ns0.tail")
    #expect(tooth.name == "late")
    #expect(tooth.suite == "device-map")
    #expect(tooth.topology == "switch")
  }

  @Test func anotherSuiteAndTopologyCanBeAskedFor() throws {
    let tooth = try Tooth(text: head + "Suite: gpu\nTopology: small-cmb\n", path: "x")
    #expect(tooth.suite == "gpu")
    #expect(tooth.topology == "small-cmb")
  }

  @Test(arguments: [
    "Caught-by: x\n", "Rule: 1\n", "", "diff --git a/x b/x\nRule: 1\nCaught-by: x\n",
    "Rule: 1\nCaught-by:\n", "Rule: 1\nRule: 2\nCaught-by: x\n",
  ])
  func aPatchThatDoesNotSayWhoCatchesItIsNone(_ text: String) {
    #expect(throws: Tooth.NotATooth.self) { try Tooth(text: text, path: "x") }
  }

  /// Each of the suite device-map is caught by a case of the rule that it breaks.
  @Test func theProjectsTeethSayIt() throws {
    let teeth = try Tooth.all(in: TeethTests.own).filter { $0.suite == "device-map" }
    for tooth in teeth {
      let rule = try #require(tooth.rule.wholeMatch(of: /Rule ([0-9]+), .*/)).output.1
      #expect(tooth.pattern.contains(".rule\(rule)-"), "\(tooth.name)")
    }
    #expect(Set(teeth.map { $0.rule.prefix(6) }) == ["Rule 1", "Rule 3", "Rule 4", "Rule 5"])
  }
}
