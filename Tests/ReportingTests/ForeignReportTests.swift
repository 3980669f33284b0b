// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import Topology
import Verification

@testable import Reporting

private func foreign(
  _ name: String, program: String = "fio", volume: String = "ns0",
  outcome: CaseOutcome = CaseOutcome(.verified)
) -> CaseRecord {
  var record = CaseRecord(
    number: 1, name: name, volume: volume, peer: "", operation: .foreign, expectedRoute: .none,
    outcome: outcome)
  record.suite = "regression"
  record.foreign = ForeignActivity(program: program, fileSystem: "ext4", seconds: 1.5)
  return record
}

@Suite struct ForeignReportTests {
  private let cases = [
    foreign("fio.psync.ns0"),
    foreign("fio.mmap.ns0", outcome: CaseOutcome(.failed, .program, "The program ended.")),
    foreign("xfstests.generic/001.ext4", program: "xfstests", volume: ""),
  ]

  @Test func casesAreGroupedByProgramAndFileSystemWithTheirTimes() {
    let text = TerminalReport(run(cases), directory: "r").text
    #expect(text.contains("fio on nvme0/ns0, ext4"))
    #expect(text.contains("✓ psync "))
    #expect(text.contains("✗ mmap "))
    #expect(text.contains("xfstests on ext4"))
    #expect(text.contains("✓ generic/001 "))
    #expect(text.contains("1.50 s"))
  }

  @Test func reportsForMachinesHaveThemToo() throws {
    let page = try HTMLReport(run(cases)).text()
    #expect(page.contains("fio on nvme0/ns0, ext4") && page.contains("generic/001"))
    let junit = String(decoding: JUnitReport(run(cases)).data, as: UTF8.self)
    #expect(junit.contains("fio.psync.ns0") && junit.contains("1.500000"))
  }
}

@Suite struct RunComparisonTests {
  @Test func aRunIsLikeItself() throws {
    let record = run([foreign("fio.psync.ns0"), foreign("fio.mmap.ns0")])
    let comparison = try RunComparison(record, record, names: ("before", "after"))
    #expect(comparison.differences.isEmpty && comparison.alike == 2)
    let text = comparison.text()
    #expect(text.hasSuffix("ALIKE  2 cases\n"))
    #expect(text.hasPrefix("A  before · Linux 7.2.12 (7.2-debug)\n"))
    #expect(text.contains("\nB  after · Linux 7.2.12 (7.2-debug)\n"))
  }

  @Test func whatEndsOtherwiseOrIsMissingIsListed() throws {
    let skipped = CaseOutcome(.skipped, nil, "no \(hostile)")
    let first = run([foreign("fio.a.ns0"), foreign("fio.b.ns0"), foreign("fio.c.ns0")])
    let second = run([
      foreign("fio.a.ns0"), foreign("fio.b.ns0", outcome: skipped), foreign("fio.d.ns0"),
    ])
    let comparison = try RunComparison(first, second, names: ("a", "b"))
    #expect(comparison.differences.map(\.name) == ["fio.b.ns0", "fio.c.ns0", "fio.d.ns0"])
    #expect(comparison.alike == 1)
    let text = comparison.text()
    #expect(text.contains("≠ fio.b.ns0") && text.contains("not in this run"))
    #expect(text.contains("DIFFERENT  3 cases of 4"))
    #expect(!text.contains("\u{1B}"))
  }

  @Test func anotherFailureIsADifference() throws {
    let one = run([foreign("a", outcome: CaseOutcome(.failed, .program, "x"))])
    let other = run([foreign("a", outcome: CaseOutcome(.failed, .incomplete, "x"))])
    #expect(try RunComparison(one, other, names: ("a", "b")).differences.count == 1)
  }

  @Test func runsWithoutACaseInCommonAreRefused() {
    let first = run([foreign("fio.a.ns0")])
    var other = run([])
    other.suite = "gpu"
    for second in [run([foreign("fio.b.ns0")]), other] {
      let error = #expect(throws: ReportError.self) {
        try RunComparison(first, second, names: ("a", "b"))
      }
      #expect(error.map { "\($0)".hasPrefix("a and b have no case in common") } == true)
    }
  }

  /// As a kernel that panics at boot has it.
  @Test func aRunThatBrokeOffBeforeItsFirstCaseIsNoOtherRun() throws {
    let first = run([foreign("fio.a.ns0")])
    let second = run([], interruption: "The guest panicked.")
    let comparison = try RunComparison(first, second, names: ("a", "b"))
    #expect(comparison.differences.map(\.name) == ["fio.a.ns0"])
    let text = comparison.text()
    #expect(text.contains("\nB broke off: The guest panicked.\n"), "\(text)")
    #expect(!text.contains("A broke off"))
    #expect(text.hasSuffix("DIFFERENT  1 case of 1\n"))
    // Neither has shown anything.
    #expect(try RunComparison(second, second, names: ("b", "b")).differences.isEmpty)
  }
}
