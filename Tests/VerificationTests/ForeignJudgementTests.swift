// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Verification

@Suite struct ForeignJudgementTests {
  private let stress = ForeignJudgement(
    skipStatuses: [3, 4],
    skipLines: [Glob("*skipped: [1-9]*"), Glob("*(Function not implemented)*")],
    failLines: [Glob("stress-ng: fail: *")])
  private let tap = ForeignJudgement(speaksTAP: true)

  @Test func statusZeroIsVerified() {
    let lines = ["stress-ng: info: [9] passed: 1: rename (1)", "stress-ng: info: [9] skipped: 0"]
    #expect(stress.outcome(status: 0, lines: lines).kind == .verified)
  }

  @Test func aSkippedStressorIsSkippedThoughTheStatusIsZero() {
    let outcome = stress.outcome(status: 0, lines: ["stress-ng: info: [9] skipped: 1: handle (1)"])
    #expect(outcome.kind == .skipped)
    #expect(outcome.explanation.hasSuffix("skipped: 1: handle (1)"))
  }

  /// As `handle` ends without its system call.
  @Test func aComplaintOfAMissingCallIsSkippedAndAnyOtherFails() {
    let missing = "stress-ng: fail:  [98] handle: errno=38 (Function not implemented)"
    #expect(stress.outcome(status: 0, lines: [missing]).kind == .skipped)
    let wrong = "stress-ng: fail:  [98] hdd: incorrect data found"
    let outcome = stress.outcome(status: 0, lines: [missing, wrong, "successful run completed"])
    #expect(outcome.kind == .failed)
    #expect(outcome.explanation.contains("incorrect data found"))
  }

  @Test func aStatusThatMeansSkippedHasTheLastLineAsReason() {
    let outcome = stress.outcome(status: 3, lines: ["one", "no resources.", "  "])
    #expect(outcome.kind == .skipped)
    #expect(outcome.explanation == "no resources")
  }

  @Test func aFailureHasTheLineThatTellsWhy() {
    let lines = [
      "crc32c: verify failed at file /mnt/ns0/fio/x offset 4096, length 4096",
      "fio: pid=7, err=84/file:io_u.c:2051, func=io_u_sync_complete, error=Invalid wide character",
      "Run status group 0 (all jobs):",
    ]
    let outcome = ForeignJudgement().outcome(status: 1, lines: lines)
    #expect(outcome.kind == .failed && outcome.failure == .program)
    #expect(outcome.explanation.hasPrefix("The program ended with status 1: "))
    #expect(outcome.explanation.contains("err=84"))
  }

  @Test func aSignalIsNamed() {
    let outcome = stress.outcome(status: 139, lines: [])
    #expect(outcome.explanation == "The program was ended by signal 11.")
  }

  @Test(arguments: [
    (["ok 1 hmm.hmm_device_private.open_close"], Int32(0), CaseOutcome.Kind.verified),
    (["ok 1 hmm.hmm_device_coherent.anon_read # SKIP not available"], 0, .skipped),
    (["ok 1 hmm.migrate # XFAIL known"], 0, .verified),
    (["not ok 1 hmm.hmm_device_private.migrate"], 1, .failed),
    // A program that passes its case and dies has not passed.
    (["ok 1 hmm.hmm_device_private.migrate"], 139, .failed),
    (["ok 1 a", "ok 2 b"], 0, .failed), ([], 0, .failed), (["TAP version 13", "1..0"], 0, .failed),
  ])
  func oneResultLineOfTAPDecides(
    lines: [String], status: Int32, kind: CaseOutcome.Kind
  ) {
    #expect(tap.outcome(status: status, lines: lines).kind == kind)
  }

  @Test(arguments: [
    ("*", "fio.", true), ("fio.*", "fio.", true), ("stress-ng.*", "fio.", false),
    ("fi?.x", "fio.", true), ("*.ns0", "hmm-tests.", true), ("hmm", "hmm-tests.", false),
    ("hmm-tests.hmm.a", "hmm-tests.", true), ("f*", "fio.", true), ("x*", "fio.", false),
  ])
  func aPatternIsRuledOutOnlyByItsFixedBeginning(pattern: String, prefix: String, could: Bool) {
    #expect(Glob(pattern).couldMatch(prefix: prefix) == could)
  }
}
