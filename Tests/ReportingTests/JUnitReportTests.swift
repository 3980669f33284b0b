// SPDX-License-Identifier: Apache-2.0

import Foundation
import FoundationXML
import Reporting
import Testing
import Verification

@Suite struct JUnitReportTests {
  private func root(_ report: JUnitReport) throws -> XMLElement {
    try #require(try XMLDocument(data: report.data).rootElement())
  }

  private func suite(_ record: RunRecord) throws -> XMLElement {
    try #require(try root(JUnitReport(record)).elements(forName: "testsuite").first)
  }

  @Test func countsWhatItLists() throws {
    let suite = try suite(mixed)
    let value = { suite.attribute(forName: $0)?.stringValue }
    #expect(value("name") == "p2pdma.switch")
    #expect(value("tests") == "6")
    #expect(value("failures") == "1")
    #expect(value("errors") == "0")
    #expect(value("skipped") == "2")
    #expect(value("time") == "10.914000")
    let tests = suite.elements(forName: "testcase")
    #expect(tests.count == 6)
    #expect(tests.flatMap { $0.elements(forName: "failure") }.count == 1)
    #expect(tests.flatMap { $0.elements(forName: "skipped") }.count == 2)
  }

  @Test func aFailureHasItsKindAndExplanation() throws {
    let failure = try #require(
      try suite(mixed).elements(forName: "testcase").flatMap { $0.elements(forName: "failure") }
        .first)
    #expect(failure.attribute(forName: "type")?.stringValue == "silent corruption")
    #expect(failure.stringValue == corruption.explanation)
  }

  @Test func anInterruptedRunIsAnError() throws {
    let suite = try suite(run([caseRecord("read-4k")], interruption: "The guest hung."))
    #expect(suite.attribute(forName: "errors")?.stringValue == "1")
    #expect(suite.attribute(forName: "tests")?.stringValue == "2")
    let errors = suite.elements(forName: "testcase").flatMap { $0.elements(forName: "error") }
    #expect(errors.first?.stringValue?.contains("The guest hung.") == true)
  }

  @Test func severalRunsAreSeveralSuites() throws {
    let root = try root(JUnitReport([mixed, run([caseRecord("read-4k")], name: "bridge")]))
    #expect(root.elements(forName: "testsuite").count == 2)
  }

  @Test func staysValidWhateverAGuestSays() throws {
    var item = caseRecord("x", outcome: CaseOutcome(.failed, .wrongPath, hostile))
    item.name = hostile
    item.volume = "&lt;<&#0;\u{0}\u{B}"
    let record = run([item], interruption: hostile)
    let test = try #require(try suite(record).elements(forName: "testcase").first)
    let name = try #require(test.attribute(forName: "name")?.stringValue)
    #expect(name.contains("<script>alert(1)</script>"))
    #expect(!name.contains("\u{1B}"))
    #expect(test.attribute(forName: "classname")?.stringValue?.contains("&lt;<&#0;··") == true)
    #expect(test.elements(forName: "failure").first?.stringValue?.contains("&]]>") == true)
    let text = String(decoding: JUnitReport(record).data, as: UTF8.self)
    #expect(!text.contains("<script"))
    #expect(text.unicodeScalars.allSatisfy { $0.value >= 0x20 || $0 == "\n" || $0 == "\t" })
  }
}
