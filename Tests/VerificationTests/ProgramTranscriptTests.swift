// SPDX-License-Identifier: Apache-2.0

import Testing
import Verification

@Suite struct ProgramTranscriptTests {
  private static let begin = """
    # xbar {"t":"case","n":1,"name":"ns0.gpu0.read-4k","volume":"ns0","peer":"gpu0","op":"read"}
    """
  private static let direct = phase("direct", claim: "peer")
  private static let fallback = phase("fallback", claim: "memory")
  private static let result = "ok 1 ns0.gpu0.read-4k"
  private static let plan = #"# xbar {"t":"plan","cases":1,"suite":"p2pdma"}"#

  private static func phase(_ name: String, n: Int = 1, claim: String, errno: Int = 0) -> String {
    """
    # xbar {"t":"phase","n":\(n),"phase":"\(name)","errno":\(errno),"bytes":4096,"ns":1,\
    "claim":"\(claim)","transfers":[{"dir":"read","nsid":1,"extents":[[0,4096]]}],"mismatch":null}
    """
  }

  private func testimony(_ lines: [String]) -> ProgramTranscript.Testimony {
    var transcript = ProgramTranscript()
    for line in lines { transcript.take(line) }
    return transcript.finish()
  }

  private func violations(_ lines: [String]) -> [ProtocolViolation] {
    let testimony = testimony(lines)
    return testimony.violations + testimony.cases.flatMap(\.violations)
  }

  @Test func aWholeCaseHasNoViolation() {
    let testimony = testimony([
      "KTAP version 1", "1..1", Self.plan, Self.begin, Self.direct, Self.fallback, Self.result,
    ])
    #expect(testimony.violations.isEmpty)
    #expect(testimony.planned == 1)
    #expect(testimony.cases.count == 1)
    #expect(testimony.cases.first?.violations == [])
    #expect(testimony.cases.first?.phases.count == 2)
    #expect(testimony.cases.first?.result?.status == .passed)
  }

  @Test func knowsHowFarTheProgramIs() {
    var transcript = ProgramTranscript()
    for line in ["1..2", Self.begin] { transcript.take(line) }
    #expect(transcript.current?.name == "ns0.gpu0.read-4k")
    #expect(transcript.finishedCases == 0)
    transcript.take(Self.result)
    #expect(transcript.current == nil)
    #expect(transcript.finishedCases == 1)
    #expect(transcript.plannedCases == 2)
  }

  @Test func aProgramThatDiesLeavesItsCaseWithoutResult() {
    let testimony = testimony(["1..3", Self.begin, Self.direct])
    #expect(testimony.cases.first?.result == nil)
    #expect(testimony.violations == [.casesMissing(ran: 1, planned: 3)])
  }

  @Test func keepsTheGuestsReason() {
    let testimony = testimony([
      "1..1", Self.begin, "# ns0.gpu0.read-4k: cannot empty the page cache",
      "not ok 1 ns0.gpu0.read-4k",
    ])
    #expect(testimony.cases.first?.diagnostic == "cannot empty the page cache")
    #expect(testimony.cases.first?.violations == [])
  }

  @Test func seesAPhaseWithoutItsCase() {
    #expect(
      violations(["1..1", Self.direct]).contains(.notUnderWay(what: "a direct phase", 1)))
    #expect(
      violations(["1..2", Self.begin, Self.phase("direct", n: 2, claim: "peer")])
        .contains(.notUnderWay(what: "a direct phase", 2)))
  }

  @Test func seesWhatComesAfterTheResult() {
    let lines = ["1..1", Self.begin, Self.direct, Self.fallback, Self.result]
    #expect(violations(lines + [Self.direct]) == [.notUnderWay(what: "a direct phase", 1)])
    #expect(violations(lines + [Self.result]) == [.notUnderWay(what: "a result", 1)])
    #expect(
      violations(lines + [ProgramEventTests.inspectLine])
        == [.notUnderWay(what: "an inspection", 1)])
  }

  @Test func seesCasesOutOfPlanOrOrder() {
    #expect(violations([Self.begin]).contains(.planMissing))
    #expect(violations(["1..0", Self.begin]) == [.numberOutOfPlan(1, planned: 0)])
    let second = Self.begin.replacing("\"n\":1", with: "\"n\":2")
    #expect(violations(["1..3", second]).contains(.caseOutOfOrder(2, after: 0)))
    #expect(violations(["1..3", Self.begin, second]).contains(.caseInsideOfCase(2, unfinished: 1)))
    #expect(violations(["1..3", Self.begin, Self.begin]).contains(.caseTwice(1)))
    #expect(violations(["1..3", second, Self.begin]).contains(.caseOutOfOrder(1, after: 2)))
  }

  @Test func seesPhasesTwiceMissingOrInTheWrongOrder() {
    #expect(
      violations(["1..1", Self.begin, Self.direct, Self.direct]).contains(.phaseTwice(1, .direct)))
    #expect(
      violations(["1..1", Self.begin, Self.direct, Self.result])
        == [.phaseMissing(1, .fallback)])
    #expect(
      violations(["1..1", Self.begin, Self.fallback, Self.direct, Self.result])
        == [.phaseOutOfOrder(1, .direct)])
  }

  @Test func seesClaimsThatMustNotBe() {
    #expect(
      violations(["1..1", Self.begin, Self.phase("direct", claim: "memory")])
        .contains(.wrongClaim(1, .direct, .memory)))
    #expect(
      violations(["1..1", Self.begin, Self.phase("direct", claim: "peer", errno: 22)])
        .contains(.refusedWithTransfers(1)))
  }

  @Test func seesAResultOfAnotherName() {
    #expect(
      violations(["1..1", Self.begin, Self.direct, Self.fallback, "ok 1 other"])
        == [.nameDiffers(1, case: "ns0.gpu0.read-4k", result: "other")])
  }

  @Test func seesAPlanThatChangesAndAProgramThatGivesUp() {
    #expect(violations(["1..1", "1..2"]).contains(.planChanged(from: 1, to: 2)))
    #expect(violations(["1..0", "Bail out! no disk"]) == [.bailedOut("no disk")])
  }

  @Test func namesTheMalformedLine() {
    let found = violations(["1..0", "# xbar {"])
    #expect(found == [.malformedLine(line: 2, reason: "not JSON")])
    #expect(found.first?.description == "line 2 of the program's output: not JSON")
  }

  @Test func keepsABoundedNumberOfEverything() {
    var transcript = ProgramTranscript()
    transcript.take("1..1")
    for _ in 0..<5000 {
      transcript.take("# xbar {")
      transcript.take("noise")
      transcript.take(ProgramEventTests.fileLine)
    }
    let testimony = transcript.finish()
    #expect(testimony.violations.count <= ProtocolBounds.violations + 2)
    #expect(testimony.diagnostics.count == ProtocolBounds.diagnostics)
    #expect(testimony.files.count == ProtocolBounds.files)
  }

  @Test func hostDifferencesBelongToTheCaseUnderWay() {
    var transcript = ProgramTranscript()
    for line in ["1..1", Self.begin] { transcript.take(line) }
    guard case .inspect(let inspection) = transcript.take(ProgramEventTests.inspectLine) else {
      Issue.record("no inspection")
      return
    }
    transcript.note(hostDifference: "first", of: inspection)
    transcript.note(hostDifference: "second", of: inspection)
    #expect(transcript.finish().cases.first?.hostDifferences == [.direct: "first"])
  }

  @Test func survivesShuffledPrograms() {
    var generator = SeededGenerator(state: 5)
    let lines = [
      "1..1", Self.plan, Self.begin, Self.direct, Self.fallback, Self.result,
      ProgramEventTests.inspectLine, ProgramEventTests.fileLine, "Bail out!", "# xbar",
    ]
    for _ in 0..<200 {
      var transcript = ProgramTranscript()
      for _ in 0..<12 {
        transcript.take(lines.randomElement(using: &generator) ?? "")
      }
      _ = transcript.finish()
    }
  }
}
