// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Verification

@Suite struct CheckTranscriptTests {
  private func results(
    _ tests: [String], _ text: String, reason: String = "it ended with status 1"
  ) -> [String: CaseOutcome] {
    var transcript = CheckTranscript(tests: tests)
    var results: [CheckTranscript.Result] = []
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      results += transcript.take(String(line))
    }
    results += transcript.finish(reason: reason)
    #expect(results.count == tests.count)
    return Dictionary(uniqueKeysWithValues: results.map { ($0.test, $0.outcome) })
  }

  /// As `check` prints it, of the version of December 2025.
  private static let output = """
    FSTYP         -- ext4
    PLATFORM      -- Linux/x86_64 crossbar 7.2.12 #1 SMP
    MKFS_OPTIONS  -- -F /dev/nvme0n2
    MOUNT_OPTIONS -- -o acl,user_xattr /dev/nvme0n2 /mnt/scratch

    generic/001        4s
    generic/002 2s ...  3s
    generic/003       [not run] kernel does not support atime
    generic/004       - output mismatch (see /tmp/results/generic/004.out.bad)
        --- tests/generic/004.out\t2025-12-23
        +++ /tmp/results/generic/004.out.bad\t2026-11-28
        @@ -1,2 +1,2 @@
        -good
        +bad
        ...
    generic/005       [failed, exit status 1]- output mismatch (see /tmp/results/generic/005.out.bad)
    generic/006       _check_dmesg: something found in dmesg (see /tmp/results/generic/006.dmesg)

    generic/007       [expunged]
    generic/008 5s ...
    Ran: generic/001 generic/002 generic/003 generic/004 generic/005 generic/006 generic/008
    Not run: generic/003
    Failures: generic/004 generic/005 generic/006 generic/008
    Failed 4 of 8 tests

    """

  @Test func everyEndOfATestIsTold() {
    let names = (1...8).map { "generic/00\($0)" }
    let outcomes = results(names, Self.output)
    let kinds = names.map { outcomes[$0]?.kind }
    #expect(
      kinds == [
        .verified, .verified, .skipped, .failed, .failed, .failed, .skipped, .failed,
      ])
    #expect(outcomes["generic/003"]?.explanation == "kernel does not support atime")
    #expect(outcomes["generic/004"]?.explanation.contains("| +bad") == true)
    #expect(outcomes["generic/006"]?.explanation.contains("found in dmesg") == true)
  }

  @Test func testsThatNeverCameAreIncomplete() {
    let outcomes = results(["generic/001", "generic/002"], "generic/001    1s\n")
    #expect(outcomes["generic/001"]?.kind == .verified)
    #expect(outcomes["generic/002"]?.failure == .incomplete)
    #expect(outcomes["generic/002"]?.explanation.contains("status 1") == true)
  }

  @Test func aTestThatPassedIsToldWithItsLineAndAFailedOneWithTheNext() {
    var transcript = CheckTranscript(tests: ["generic/001", "generic/002", "generic/003"])
    #expect(transcript.take("generic/001   1s").map(\.test) == ["generic/001"])
    #expect(transcript.take("generic/002   - output mismatch (see x)").isEmpty)
    #expect(transcript.take("    +bad").isEmpty)
    #expect(
      transcript.take("generic/003  [not run] no").map(\.test) == ["generic/002", "generic/003"])
  }

  @Test func aTestInWhichTheOutputEndsHasNotPassed() {
    #expect(results(["generic/001"], "generic/001")["generic/001"]?.kind == .failed)
  }

  @Test func whatIsCountedAsFailedAtTheEndIsRemembered() {
    var transcript = CheckTranscript(tests: ["generic/001"])
    _ = transcript.take("generic/001   1s")
    _ = transcript.take("Failures: generic/001")
    #expect(transcript.failures == ["generic/001"])
  }

  @Test func namesOfOtherTestsAndHostileLinesAreText() {
    var text = "generic/001       - output mismatch\n" + "xfs/999 1s\n"
    text += String(repeating: "x", count: 100_000) + "\n" + String(repeating: "\n", count: 5000)
    let outcomes = results(["generic/001"], text)
    #expect(outcomes.count == 1)
    #expect((outcomes["generic/001"]?.explanation.count ?? 0) < 1000)
  }
}
