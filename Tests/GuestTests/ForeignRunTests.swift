// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

extension GuestTests {
  /// Programs of others: their verdicts, and what becomes of those that have none.
  @Suite struct ForeignRuns {
    /// The kernel's own tests, asked without a guest; a wrong list would have other names as well.
    @Test func theCasesAreListedWithoutAGuest() async throws {
      let outcome = try await CrossbarProgram.run(
        ["run", "switch", "--suite", "regression", "--list", "--only", "hmm-tests.*"])
      #expect(outcome.exitCode == 0, "\(outcome.story)")
      #expect(!FileManager.default.fileExists(atPath: outcome.directory.path))
      let names = outcome.output.split(separator: "\n")
      #expect(names.count > 60 && Set(names).count == names.count)
      #expect(names.contains("hmm-tests.hmm.hmm_device_private.open_close"))
      #expect(names.allSatisfy { $0.wholeMatch(of: /hmm-tests\.\w+\.\w+\.\w+/) != nil }, "\(names)")
    }

    @Test func aStressorAndAJobAreVerifiedOnBothFileSystems() async throws {
      let outcome = try await CrossbarProgram.run([
        "run", "switch", "--suite", "regression", "--only", "stress-ng.rename.*", "--only",
        "fio.psync.*",
      ])
      #expect(outcome.exitCode == 0, "\(outcome.story)")
      #expect(
        Set(try outcome.cases().compactMap { $0["name"] as? String }) == [
          "stress-ng.rename.ns0", "stress-ng.rename.ns1", "fio.psync.ns0", "fio.psync.ns1",
          "fsck.check.ns0", "fsck.check.ns1",
        ])
      #expect(try outcome.kinds() == ["verified": 6])
      #expect(outcome.file("ktap.log").contains("\nok 1 stress-ng.rename.ns0\n"))
    }

    /// Each job fails, hangs or skips in its way, and the next one runs all the same.
    private static let recipe = """
      crossbar: crossbar.regression/1
      programs:
        - name: fio
          command: /bin/fio --thread --directory {dir} --verify crc32c --verify_fatal 1 --size 1m
          cases:
            - {name: unwritten, arguments: --name unwritten --rw read}
        - name: stress-ng
          command: /bin/stress-ng --temp-path {dir}
          skip-statuses: ["3", "4"]
          cases:
            - {name: no-such, arguments: --no-such 1}
        - name: sleep
          command: /bin/busybox sleep
          limit: 2
          cases: [{name: long, arguments: "600"}]
        - name: busybox
          command: /bin/busybox
          skip-statuses: ["1"]
          cases: [{name: "false", arguments: "false"}, {name: "true", arguments: "true"}]
        - name: other
          command: /bin/busybox true
          needs: {path: /proc/no-such, without: there is none}
          cases: [{name: "true"}]
      """

    @Test func whatFailsOrHangsOrSkipsIsToldApart() async throws {
      let project = try AlteredProject(regression: Self.recipe)
      let outcome = try await CrossbarProgram.run(
        ["run", "switch", "--suite", "regression", "--only", "*.ns0"],
        environment: project.environment)
      #expect(outcome.exitCode == 1, "\(outcome.story)")
      var ends: [String: String] = [:]
      for item in try outcome.cases() {
        let end = try #require(item["outcome"] as? [String: Any])
        let name = try #require(item["name"] as? String)
        ends[name] = [end["kind"] as? String, end["failure"] as? String].compactMap(\.self)
          .joined(separator: ": ")
        if name == "fio.unwritten.ns0" {
          #expect((end["explanation"] as? String)?.contains("verify") == true, "\(end)")
        }
      }
      #expect(
        ends == [
          "fio.unwritten.ns0": "failed: program failure",
          "stress-ng.no-such.ns0": "failed: program failure",
          "sleep.long.ns0": "failed: incomplete", "busybox.false.ns0": "skipped",
          "busybox.true.ns0": "verified", "other.true.ns0": "skipped",
          "fsck.check.ns0": "verified",
        ])
    }

    /// One program that does a deed, between two that do nothing.
    private static let between = """
      crossbar: crossbar.regression/1
      programs:
        - name: busybox
          command: /bin/busybox
          limit: 2
          cases:
            - {name: first, arguments: "true"}
            - {name: deed, arguments: "sh /bin/deed {dir}"}
            - {name: last, arguments: "true"}
      """

    private func run(deed: String) async throws -> CrossbarProgram.Outcome {
      let project = try AlteredProject(regression: Self.between, deed: deed)
      let outcome = try await CrossbarProgram.run(
        ["run", "switch", "--suite", "regression", "--only", "*.ns0"],
        environment: project.environment)
      // A verdict, with reports, and not the host's failure.
      #expect(outcome.exitCode == 1, "\(outcome.story)")
      #expect(outcome.file("ktap.log").contains("\nok 1 busybox.first.ns0\n"))
      #expect(!outcome.file("ktap.log").contains("\nok 3 busybox.last.ns0\n"))
      return outcome
    }

    /// It freezes its volume, and nothing ends who writes there.
    @Test func aProgramThatCannotBeKilledEndsTheRunWithItsReports() async throws {
      let outcome = try await run(deed: "fsfreeze --freeze \"${1%/*}\"; : >\"$1/file\"")
      #expect(outcome.sentences.contains("a kill did not end it"))
    }

    /// It leaves behind what the next program would have to have.
    @Test func aProgramThatLeavesAnotherBehindEndsTheRunWithItsReports() async throws {
      let outcome = try await run(deed: "sleep 600 &")
      #expect(outcome.sentences.contains("an earlier program started still has the"))
    }

    /// The guest's kernel panics when the place of the case is tidied up.
    @Test func aPanicBetweenTwoProgramsIsAVerdict() async throws {
      let outcome = try await run(
        deed: """
          exec </dev/null >/dev/null
          while [ -d "$1" ]; do :; done && echo c >/proc/sysrq-trigger &
          """)
      #expect(outcome.sentences.contains("kernel panicked"), "\(outcome.sentences)")
    }

    /// Nobody answers for the guest any more.
    @Test func aGuestThatFallsSilentBetweenTwoProgramsIsAVerdict() async throws {
      let outcome = try await run(deed: "killall -STOP qemu-ga")
      #expect(outcome.sentences.contains("the guest agent does not answer"), "\(outcome.sentences)")
    }

    /// A program that says what xfstests' own would say, and works with what it is given.
    private static let check = """
      #!/bin/bash
      set -eu
      mount "$TEST_DEV" "$TEST_DIR"
      dd if=/dev/zero of="$TEST_DIR/file" bs=1M count=8 status=none
      mkfs -t "$FSTYP" "$SCRATCH_DEV" >/dev/null 2>&1 || "mkfs.$FSTYP" -q "$SCRATCH_DEV"
      printf 'FSTYP         -- %s\n\n' "$(stat -f -c %T "$TEST_DIR")"
      umount "$TEST_DIR"
      echo 'generic/001        1s'
      [ "$*" = 'generic/001 generic/002' ] || exit 1
      case $FSTYP in
      ext4) echo 'generic/002       [not run] nothing to do' ;;
      xfs) printf 'generic/002       - output mismatch (see x)\n    -good\n    +bad\n' ;;
      esac
      printf 'Ran: %s\n' "$*"
      """

    @Test func aTreeOfXfstestsRunsOnBothFileSystems() async throws {
      let tree = CrossbarProgram.temporaryDirectory()
      let files = [
        "check": Self.check, "common/rc": "", "ltp/fsstress": "",
        "tests/generic/group.list": "001 auto quick\n002 quick\n003 other\n",
      ]
      for (name, content) in files {
        let url = tree.appending(path: name)
        try FileManager.default.createDirectory(
          at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(content.utf8).write(to: url)
        chmod(url.path, 0o755)
      }
      let outcome = try await CrossbarProgram.run([
        "run", "switch", "--suite", "xfstests", "--xfstests", tree.path,
      ])
      #expect(outcome.exitCode == 1, "\(outcome.story)")
      var ends: [String: String] = [:]
      for item in try outcome.cases() {
        let end = try #require(item["outcome"] as? [String: Any])
        ends[try #require(item["name"] as? String)] = end["kind"] as? String
      }
      #expect(
        ends == [
          "xfstests.generic/001.ext4": "verified", "xfstests.generic/002.ext4": "skipped",
          "xfstests.generic/001.xfs": "verified", "xfstests.generic/002.xfs": "failed",
        ], "\(outcome.file("ktap.log"))")
      #expect(outcome.sentences.contains("+bad"))
    }
  }
}
