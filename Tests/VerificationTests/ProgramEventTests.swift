// SPDX-License-Identifier: Apache-2.0

import GoldenData
import Testing

@testable import Verification

@Suite struct ProgramEventTests {
  @Test func resultLinesAreRead() throws {
    let passed = try #require(CaseVerdictLine(line: "ok 7 a.b.c"))
    #expect(passed.n == 7 && passed.passed && passed.skipReason == nil)
    let failed = try #require(CaseVerdictLine(line: "not ok 8 a.b.c"))
    #expect(failed.n == 8 && !failed.passed)
    let skipped = try #require(CaseVerdictLine(line: "ok 9 a.b.c # SKIP no room"))
    #expect(skipped.skipReason == "no room")
    #expect(CaseVerdictLine(line: "okay 1") == nil)
    #expect(CaseVerdictLine(line: "ok x") == nil)
  }

  @Test func anInspectionNamesItsContent() throws {
    let line = """
      # xbar {"t":"inspect","n":1,"phase":"direct","peer":"gpu0","at":2097152,"segments":\
      [{"len":4096,"kind":"cells","file":1,"gen":2,"off":16},{"len":8,"kind":"byte","byte":165}]}
      """
    guard case .inspect(let inspection) = try ProgramEvent(line: line) else {
      Issue.record("not an inspection")
      return
    }
    #expect(
      inspection.segments.map(\.segment) == [
        Segment(length: 4096, kind: .cells(GoldenFile(file: 1, generation: 2), offset: 16)),
        Segment(length: 8, kind: .byte(165)),
      ])
  }

  @Test(arguments: [
    "# xbar {", "# xbar {}", #"# xbar {"t":"phase"}"#,
    #"# xbar {"t":"case","n":99999999999999999999}"#,
    #"# xbar {"t":"inspect","n":1,"phase":"direct","peer":"g","at":-1,"segments":[]}"#,
  ])
  func brokenEventsAreViolations(line: String) {
    #expect(throws: ProtocolViolation.self) { try ProgramEvent(line: line) }
  }

  @Test func aLineThatIsTooLongIsAViolation() {
    let line = "# xbar " + String(repeating: "x", count: ProgramEvent.lineLimit)
    #expect(throws: ProtocolViolation.self) { try ProgramEvent(line: line) }
  }

  @Test func otherLinesAreForTheLog() throws {
    #expect(try ProgramEvent(line: "KTAP version 1") == .other)
    #expect(try ProgramEvent(line: #"# xbar {"t":"news"}"#) == .other)
  }
}
