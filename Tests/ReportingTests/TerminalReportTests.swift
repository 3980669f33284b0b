// SPDX-License-Identifier: Apache-2.0

import Testing
import Verification

@testable import Reporting

@Suite struct TerminalReportTests {
  private func text(
    _ record: RunRecord, columns: Int = 100, coloured: Bool = false
  ) -> String {
    TerminalReport(record, directory: "runs/x", columns: columns, coloured: coloured).text
  }

  @Test func groupsCasesByVolumePeerAndRoute() {
    let text = text(mixed)
    #expect(text.contains("nvme0/ns0 → gpu0  through the switch"))
    #expect(text.contains("nvme0/ns0 → nvme1  no route: a refusal is expected"))
  }

  @Test func showsSizesTimesAndRatio() throws {
    let row = try #require(text(mixed).split(separator: "\n").first { $0.contains("read-32m") })
    #expect(row.contains("✓ read-32m"))
    #expect(row.contains("32 MiB   20.0 ms    100 ms   5.0×"))
  }

  @Test func marksWhatFailedAndExplainsIt() {
    let text = text(mixed)
    #expect(text.contains("✗ read-64k"))
    #expect(text.contains("✗ ns0.gpu0.read-64k: silent corruption"))
    #expect(text.contains("in the host's view of gpu0, 4096 bytes at"))
    #expect(text.contains("direct, by QEMU's account: 64 KiB gpu0 in 2 NVMe commands"))
    #expect(
      text.contains("FAILED  6 cases: 1 failed, 2 verified, 1 refused and fell back, 1 known"))
  }

  @Test func namesKnownLimitsWithTheirEvidence() {
    let text = text(run([caseRecord("read-4k", outcome: limit), caseRecord("read-8k")]))
    #expect(text.contains("! Known emulator limit in 1 case: silent corruption, such as in ns0."))
    #expect(text.contains("DMA faults"))
    #expect(text.contains("VERIFIED, with known limits  2 cases"))
  }

  @Test func saysWhereTheLogsAreAndHowLongEverythingTook() {
    let text = text(mixed)
    #expect(text.contains("report: runs/x/report.html, beside its logs"))
    #expect(text.contains("10.9 s: boot 2.31 s · push 84.0 ms · run 7.50 s · stop 600 ms"))
  }

  /// What would mend it stands at its end.
  @Test func tellsWholeWhatTheRunAsAWholeFailedBy() {
    let sentence = "No case of ns0 can go direct to gpu0. Take another topology, or --path auto."
    let text = text(run([caseRecord("read-4k")], faults: [sentence]), columns: 60)
    #expect(text.contains("\n✗ No case of ns0 can go direct to gpu0. Take another\n  topology, or"))
    #expect(text.contains("--path auto.\n"))
  }

  @Test func saysWhyTheSuiteDidNotEnd() {
    let text = text(run([], interruption: "The guest panicked: see console.log."))
    #expect(text.contains("The suite did not come to its end.\n  The guest panicked"))
  }

  @Test func saysThatAGuestWasBootedTwice() throws {
    var record = run([caseRecord("read-4k")])
    #expect(!text(record).contains("booted"))
    record.add(
      BootRetry(
        reason: "its agent did not answer within 60.0 seconds", console: "console-boot-1.log",
        seconds: 61.25))
    let words = text(record).split(whereSeparator: \.isWhitespace).joined(separator: " ")
    #expect(words.contains("! The guest was booted twice. The first boot was given up after 61."))
    #expect(words.contains("its agent did not answer within 60.0 seconds."))
    #expect(words.contains("the console of the first is console-boot-1.log."))
    #expect(words.contains("VERIFIED 1 case"))
    let html = try HTMLReport(record).text()
    #expect(html.contains("<h2>Boots that hung</h2>"))
    #expect(html.contains(#"<a href="console-boot-1.log">"#))
    #expect(
      String(decoding: JUnitReport(record).data, as: UTF8.self)
        .contains(#"<property name="bootRetry" value="The first boot was given up after 61."#))
  }

  @Test func countsPowerCutsByVolume() throws {
    let cuts = (1...3).map { number in
      var item = caseRecord(
        "cut-00\(number)", number: number,
        outcome: number < 3
          ? CaseOutcome(.verified) : CaseOutcome(.failed, .lostWrite, "slot 3 is old."))
      item.suite = "power-cut"
      item.phases = []
      item.gpu = GPUActivity(claim: .direct("nvme0"), bytes: ["bus": 65536])
      item.gpu?.files = FileTraffic(bytes: ["bus": 65536], pages: nil, controllers: nil)
      item.gpu?.acknowledged = 20
      return item
    }
    let words = text(run(Array(cuts.prefix(2)))).split(whereSeparator: \.isWhitespace)
      .joined(separator: " ")
    #expect(words.contains("power cuts ns0, ext4: 2 cuts, 40 acknowledged writes, none lost or"))
    #expect(words.contains("file system clean after each"))
    // What the GPU moved for all volumes is no sum over them.
    #expect(!words.contains("paths of file data"))
    let html = try HTMLReport(run(cuts)).text()
    #expect(html.contains("<h2>Power cuts</h2>"))
    #expect(html.contains("60 acknowledged writes, something lost or torn after 1;"))
    #expect(!text(mixed).contains("power cuts"))
  }

  @Test func saysWhatTheConsoleReports() {
    let text = text(
      run(
        [caseRecord("read-4k")], console: [.init(kind: "kasan", line: 7, text: "BUG: KASAN")]))
    #expect(text.contains("console.log has 1 report of trouble, the first in line 7:"))
    #expect(text.contains("FAILED"))
  }

  @Test(arguments: [60, 72, 80, 100, 160])
  func staysWithinTheTerminal(columns: Int) {
    for line in text(mixed, columns: columns).split(separator: "\n") {
      #expect(line.terminalColumns <= columns, "\(line)")
    }
  }

  @Test func coloursOnlyWhenAsked() {
    #expect(!text(mixed).contains("\u{1B}"))
    #expect(text(mixed, coloured: true).contains("\u{1B}[32m✓\u{1B}[0m"))
    #expect(text(mixed, coloured: true).contains("\u{1B}[1;31m"))
  }

  @Test func coloursDoNotMoveColumns() {
    let coloured = text(mixed, coloured: true)
      .replacing(/\u{1B}\[[0-9;]*m/, with: "")
    #expect(coloured == text(mixed))
  }

  @Test func neutralisesWhatAGuestSays() {
    var item = caseRecord(hostile, outcome: CaseOutcome(.failed, .wrongPath, hostile))
    item.volume = hostile
    item.peer = hostile
    let record = run(
      [item], interruption: hostile, console: [.init(kind: "bug", line: 1, text: hostile)])
    for coloured in [false, true] {
      let text = TerminalReport(
        record, directory: hostile, columns: 80, coloured: coloured
      ).text.replacing(/\u{1B}\[[0-9;]*m/, with: "")
      for scalar in text.unicodeScalars where scalar != "\n" {
        #expect(scalar.properties.generalCategory != .control, "\(scalar.value)")
        #expect(scalar.properties.generalCategory != .format, "\(scalar.value)")
      }
    }
  }

  @Test func countsColumnsNotCharacters() {
    #expect("abc".terminalColumns == 3)
    #expect("e\u{301}".terminalColumns == 1)
    #expect("日本".terminalColumns == 4)
    #expect("🙂".terminalColumns == 2)
    #expect("日本語".shortened(to: 4) == "日…")
    #expect("abcdef".shortened(to: 4) == "abc…")
    #expect("日".padded(to: 4) == "日  ")
    #expect("ab".padded(from: 4) == "  ab")
  }

  @Test func wrapsAndCutsLongWords() {
    let lines = TextWrap.lines(
      "one two " + String(repeating: "x", count: 90), columns: 40, indent: 2)
    #expect(lines.allSatisfy { $0.terminalColumns <= 40 && $0.hasPrefix("  ") })
    #expect(lines.joined().filter { $0 == "x" }.count == 90)
  }

  @Test func readsFiguresAloud() {
    #expect(Figures.bytes(512) == "512 B")
    #expect(Figures.bytes(4096) == "4 KiB")
    #expect(Figures.bytes(33_567_720) == "32.0 MiB")
    #expect(Figures.seconds(0.000012) == "12.0 µs")
    #expect(Figures.seconds(0.00123) == "1.23 ms")
    #expect(Figures.seconds(0.25) == "250 ms")
    #expect(Figures.seconds(2.5) == "2.50 s")
    #expect(Figures.seconds(.nan) == "?")
    #expect(Figures.ratio(0.6, to: 0.2) == "3.0×")
    #expect(Figures.ratio(0.6, to: 0) == nil)
  }
}
