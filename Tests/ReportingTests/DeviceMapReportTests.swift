// SPDX-License-Identifier: Apache-2.0

import Foundation
import FoundationXML
import Testing
import Topology
import Verification

@testable import Reporting

@Suite struct DeviceMapReportTests {
  private func item(
    _ what: String, number: Int, bytes: [String: UInt64], pages: PageCounts,
    filled: UInt64 = 0, writtenBack: UInt64 = 0, outcome: CaseOutcome = CaseOutcome(.verified),
    volume: String = "ns0", route: Route = .switch
  ) -> CaseRecord {
    var item = CaseRecord(
      number: number, name: "gpu0.\(volume).\(what)", volume: volume, peer: "gpu0", operation: .gpu,
      expectedRoute: route, outcome: outcome)
    item.suite = "device-map"
    var traffic = ControllerTraffic()
    traffic.filled = filled
    traffic.writtenBack = writtenBack
    traffic.memory = 4096
    item.gpu = GPUActivity(claim: .mixed, commands: 4, faults: 3, bytes: bytes)
    item.gpu?.files = FileTraffic(bytes: bytes, pages: pages, controllers: ["nvme0": traffic])
    return item
  }

  private var cases: [CaseRecord] {
    [
      item(
        "read-whole", number: 1, bytes: ["bus": 1 << 20, "video": 4096],
        pages: PageCounts(direct: 256), filled: 1 << 20),
      item(
        "rule1-read-revokes", number: 2, bytes: ["bus": 65536, "memory": 65536],
        pages: PageCounts(direct: 16, fallback: 16, refusals: 1), filled: 65536, writtenBack: 4096),
      item(
        "rule5-hole-refused", number: 3, bytes: ["memory": 4096],
        pages: PageCounts(fallback: 1, refusals: 1)),
      item("rule9-removed", number: 4, bytes: [:], pages: PageCounts()),
    ]
  }

  private func text(_ cases: [CaseRecord], columns: Int = 100) -> String {
    TerminalReport(run(cases), directory: "runs/x", columns: columns).text
  }

  @Test func showsPathPagesAndBytesOfEachCase() throws {
    let lines = text(cases).split(separator: "\n").map(String.init)
    #expect(lines.contains { $0.hasPrefix("gpu0 on nvme0/ns0, ext4  blocks through the switch") })
    #expect(lines.contains { $0.hasSuffix("refused  bytes bus   memory    video") })
    let row = { (name: String) in try #require(lines.first { $0.contains("✓ \(name) ") }) }
    #expect(
      try row("read-whole").hasSuffix(
        " direct            256        ·       ·      1 MiB        ·    4 KiB"))
    #expect(
      try row("rule1-read-revokes").hasSuffix(
        " mixed              16       16       1     64 KiB   64 KiB        ·"))
    #expect(
      try row("rule5-hole-refused").hasSuffix(
        " fallback            ·        1       1          ·    4 KiB        ·"))
    #expect(
      try row("rule9-removed").hasSuffix(
        " –                   ·        ·       ·          ·        ·        ·"))
  }

  /// A case of no volume has no route that could be told.
  @Test func filesOfNoVolumeHaveNoRoute() {
    let alone = item(
      "refused-module", number: 5, bytes: [:], pages: PageCounts(), volume: "", route: .none)
    let lines = text(cases + [alone]).split(separator: "\n").map(String.init)
    let heading = lines.last { $0.contains("pages direct fallback") } ?? ""
    #expect(heading.hasPrefix("gpu0  ") && !heading.contains("route"), "\(heading)")
    #expect(!lines.contains { $0.contains("gpu0 on ,") || $0.contains("gpu0 on  ") })
  }

  @Test func leavesPortsOutForWhichThereIsNoRoom() {
    let header = { (columns: Int) in
      text(cases, columns: columns).split(separator: "\n").first { $0.contains("pages direct") }
    }
    #expect(header(100)?.hasSuffix(" bytes bus   memory    video") == true)
    #expect(header(80)?.hasSuffix(" refused  bytes bus") == true)
    #expect(header(60)?.hasSuffix(" refused") == true)
  }

  @Test func roundsBytesToEightColumns() {
    #expect(Figures.roundBytes(512) == "512 B")
    #expect(Figures.roundBytes(4096) == "4 KiB")
    #expect(Figures.roundBytes(1_048_575) == "1024 KiB")
    #expect(Figures.roundBytes(341_504) == "334 KiB")
    #expect(Figures.roundBytes(1_782_580) == "1.7 MiB")
    #expect(Figures.roundBytes(9 << 20) == "9 MiB")
    #expect(Figures.roundBytes((10 << 20) - 1) == "10 MiB")
  }

  @Test func sumsUpWhatEachAccountSays() {
    let text = text(cases)
    #expect(
      text.contains("paths of file data\n  4 cases: 1 direct, 1 fallback, 1 mixed, 1 without data"))
    #expect(
      text.contains(
        "the driver mapped 272 pages direct and 17 by the fallback; device_map refused 2 times"))
    #expect(text.contains("the GPU moved 1.1 MiB bus, 68 KiB memory, 4 KiB video"))
    #expect(text.contains("nvme0 moved 1.1 MiB from its disk into its BAR and 4 KiB back"))
  }

  @Test func saysOfAControllerThatItMovedNothing() {
    let text = text([
      item("x", number: 1, bytes: ["memory": 4096], pages: PageCounts(fallback: 1), route: .none)
    ])
    #expect(text.contains("nvme0 moved nothing through its BAR"))
    #expect(text.contains("gpu0 on nvme0/ns0, ext4  no route: the page cache"))
  }

  @Test(arguments: [60, 72, 80, 100, 160])
  func staysWithinTheTerminal(columns: Int) {
    let long = item(
      "rule3-a-name-that-is-much-longer-than-others", number: 5,
      bytes: ["bus": 12_345_678, "memory": 9_876_543, "video": 1_234_567],
      pages: PageCounts(direct: 123456, fallback: 12345, refusals: 1234),
      outcome: CaseOutcome(.failed, .wrongPath, "The case claims the BAR of nvme0, but no."))
    for line in text(cases + [long], columns: columns).split(separator: "\n") {
      #expect(line.terminalColumns <= columns, "\(line)")
    }
  }

  @Test func theOtherSuiteOfTheGPUHasATableOfItsOwn() {
    var other = item("copy-anonymous", number: 1, bytes: ["memory": 4096], pages: PageCounts())
    other.suite = "gpu"
    other.gpu?.files = nil
    let text = text([other] + cases)
    #expect(text.contains("gpu0 on nvme0/ns0 "))
    #expect(text.contains("commands   faults    bells     irqs  bytes by port"))
    #expect(text.contains("path     pages direct fallback refused  bytes bus   memory    video"))
  }

  @Test func theHTMLReportShowsTheSame() throws {
    let html = try HTMLReport(run(cases)).text()
    #expect(html.contains("<td>rule1-read-revokes</td><td class=\"path mixed\">mixed</td>"))
    #expect(html.contains("nvme0: 64 KiB filled, 4 KiB written back, 4 KiB memory"))
    #expect(html.contains("<dt>QEMU</dt><dd>nvme0 moved 1.1 MiB from its disk"))
    let xml = html.replacing("<!doctype html>", with: "").replacing(/<meta [^>]*>/, with: "")
    #expect(throws: Never.self) { try XMLDocument(data: Data(xml.utf8)) }
    #expect(try !HTMLReport(mixed).text().contains("Paths of file data"))
  }

  @Test func theJUnitReportHasThePathAsProperties() throws {
    let root = try #require(try XMLDocument(data: JUnitReport(run(cases)).data).rootElement())
    let suite = try #require(root.elements(forName: "testsuite").first)
    let tests = suite.elements(forName: "testcase")
    let values = tests.map { test in
      Dictionary(
        uniqueKeysWithValues: test.elements(forName: "properties")
          .flatMap { $0.elements(forName: "property") }.map {
            (
              $0.attribute(forName: "name")?.stringValue ?? "",
              $0.attribute(forName: "value")?.stringValue ?? ""
            )
          })
    }
    #expect(values.map { $0["path"] } == ["direct", "mixed", "fallback", "none"])
    #expect(values[1]["pages.direct"] == "16" && values[1]["pages.fallback"] == "16")
    #expect(values[1]["refusals"] == "1" && values[1]["bytes.bus"] == "65536")
    #expect(values[1]["nvme0.filled"] == "65536" && values[1]["nvme0.writtenBack"] == "4096")
    let other = try #require(try XMLDocument(data: JUnitReport(mixed).data).rootElement())
    #expect(
      other.elements(forName: "testsuite").flatMap { $0.elements(forName: "testcase") }
        .flatMap { $0.elements(forName: "properties") }.isEmpty)
  }

  @Test func neutralisesWhatAGuestSays() throws {
    var item = item("x", number: 1, bytes: ["bus": 1], pages: PageCounts(direct: .max))
    item.gpu?.files?.controllers = [hostile: ControllerTraffic()]
    item.gpu?.bytes = [hostile: .max]
    let record = run([item, item])
    for scalar in text([item, item]).unicodeScalars where scalar != "\n" {
      #expect(scalar.properties.generalCategory != .control, "\(scalar.value)")
      #expect(scalar.properties.generalCategory != .format, "\(scalar.value)")
    }
    #expect(try !HTMLReport(record).text().contains("<script"))
    let text = String(decoding: JUnitReport(record).data, as: UTF8.self)
    #expect(!text.contains("<script"))
  }
}
