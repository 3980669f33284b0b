// SPDX-License-Identifier: Apache-2.0

import Foundation
import FoundationXML
import Testing
import Verification

@testable import Reporting

@Suite struct HTMLReportTests {
  @Test func showsVerdictCasesAndExplanations() throws {
    let html = try HTMLReport(mixed).text()
    #expect(html.hasPrefix("<!doctype html>"))
    #expect(html.contains(#"<span class="badge failed">failed</span>"#))
    #expect(html.contains("<td>read-32m</td>"))
    #expect(html.contains("<h3>ns0.gpu0.read-64k: silent corruption</h3>"))
    #expect(html.contains("Known emulator limit in 1 case, such as ns0.gpu0.write-64k"))
    #expect(html.contains("nvme0/ns0 → nvme1"))
    #expect(html.contains(#"<a href="console.log">console.log</a>"#))
    #expect(html.contains("64 KiB gpu0 in 2 NVMe commands"))
  }

  @Test func needsNothingFromElsewhere() throws {
    let html = try HTMLReport(mixed).text()
    for word in ["http:", "https:", "src=", "@import", "url(", "<script", "<link"] {
      #expect(!html.contains(word), "\(word)")
    }
  }

  @Test func isWellFormed() throws {
    let html = try HTMLReport(mixed).text()
    let xml = html.replacing("<!doctype html>", with: "")
      .replacing(/<meta [^>]*>/, with: "")
    #expect(throws: Never.self) { try XMLDocument(data: Data(xml.utf8)) }
  }

  @Test func plotsBothPathsBySize() throws {
    let html = try HTMLReport(mixed).text()
    #expect(html.contains(#"<circle class="direct""#))
    #expect(html.contains(#"<circle class="fallback""#))
    #expect(html.contains("<title>ns0.gpu0.read-32m: direct, 32 MiB in 20.0 ms</title>"))
    let plot = try #require(TimePlot(mixed.cases))
    #expect(plot.direct.count == plot.fallback.count)
    for point in plot.direct + plot.fallback {
      let (x, y) = (try #require(Double(point.x)), try #require(Double(point.y)))
      #expect((60...710).contains(x) && (8...266).contains(y))
    }
    #expect(plot.sizes.first?.label == "4 KiB" && plot.sizes.count > 2)
    #expect(plot.times.map(\.label) == ["100 µs", "1 ms", "10 ms", "100 ms"])
  }

  @Test func plotsNothingOfASingleSize() throws {
    #expect(TimePlot([caseRecord("read-4k")]) == nil)
    #expect(try !HTMLReport(run([caseRecord("read-4k")])).text().contains("Time by size"))
  }

  @Test func escapesWhatAGuestSays() throws {
    var item = caseRecord(hostile, outcome: CaseOutcome(.failed, .wrongPath, hostile))
    item.volume = hostile
    item.peer = hostile
    var record = run(
      [item, caseRecord(hostile, bytes: 4096)], interruption: hostile,
      console: [.init(kind: hostile, line: 1, text: hostile)])
    record.logs = ["evil": "javascript:alert(1)", "up": "../../etc/passwd", "good": "a-b_1.log"]
    record.kernel.release = hostile
    let html = try HTMLReport(record).text()
    #expect(!html.contains("<script"))
    #expect(!html.contains("javascript:"))
    #expect(!html.contains("../"))
    #expect(html.contains(#"href="a-b_1.log""#))
    #expect(!html.unicodeScalars.contains("\u{1B}"))
    #expect(html.contains("&lt;script&gt;"))
    // Every quotation mark of the guest is an entity, combining marks or not.
    let pattern: [Unicode.Scalar] = ["\"", "\u{301}"]
    let scalars = Array(html.unicodeScalars)
    #expect(
      !zip(scalars, scalars.dropFirst()).contains { $0.0 == pattern[0] && $0.1 == pattern[1] })
  }

  @Test func escapingGoesByScalars() {
    #expect(
      HTMLEscaping().escapeText("\"\u{301}<\u{338}&'>") == "&quot;\u{301}&lt;\u{338}&amp;&#39;&gt;")
  }

  @Test func theVerdictOfKnownLimitsIsNamed() throws {
    let html = try HTMLReport(run([caseRecord("a", outcome: limit), caseRecord("b")])).text()
    #expect(html.contains(#"<span class="badge knownLimit">verified, with known limits</span>"#))
  }
}
