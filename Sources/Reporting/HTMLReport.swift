// SPDX-License-Identifier: Apache-2.0

import Foundation
import Mustache
import Verification

/// A run as one HTML page that needs nothing else.
public struct HTMLReport: Sendable {
  let record: RunRecord

  /// Prepares a report.
  public init(_ record: RunRecord) {
    self.record = record
  }

  /// The page.
  public func text() throws -> String {
    try MustacheTemplate(string: Self.template).render(
      Page(record), library: MustacheLibrary())
  }

  /// What the template shows; Mustache escapes every value.
  private struct Page {
    var title: String
    var summary: String
    var verdict: String
    var isVerified: Bool
    var machine: String
    var timings: String
    var interruption: String?
    var rows: [Row]

    init(_ record: RunRecord) {
      title = "\(record.suite) on \(record.topology.name)"
      summary = record.topology.summary.printable
      isVerified = record.verdict == .verified
      verdict = isVerified ? "verified" : "failed"
      let environment = record.environment
      machine =
        "Linux \(record.kernel.release) · QEMU \(environment.qemu) · \(environment.accelerator) · "
        + "crossbar \(environment.crossbar)"
      timings =
        "boot \(Figures.seconds(record.timings.boot)) · run \(Figures.seconds(record.timings.run)) · "
        + "stop \(Figures.seconds(record.timings.stop)) · "
        + "verify \(Figures.seconds(record.timings.verify))"
      interruption = record.interruption?.printable
      let longest = record.cases.flatMap(\.phases).map(\.seconds).max() ?? 0
      rows = record.cases.map { Row($0, longest: longest) }
    }
  }

  private struct Row {
    var name: String
    var kind: String
    var outcome: String
    var route: String
    var bytes: String
    var direct: String
    var fallback: String
    var directBar: String
    var fallbackBar: String
    var path: String
    var explanation: String

    init(_ item: CaseRecord, longest: Double) {
      name = item.name.printable
      kind = item.outcome.kind.rawValue
      outcome = item.outcome.failure?.rawValue ?? Self.words(item.outcome.kind)
      route = item.expectedRoute.rawValue
      let direct = item.phase(.direct)
      let fallback = item.phase(.fallback)
      bytes = fallback.map { Figures.bytes($0.bytes) } ?? ""
      self.direct =
        direct.map { $0.errno == 0 ? Figures.seconds($0.seconds) : "refused" } ?? ""
      self.fallback = fallback.map { Figures.seconds($0.seconds) } ?? ""
      directBar = Self.bar(direct?.seconds, longest)
      fallbackBar = Self.bar(fallback?.seconds, longest)
      path =
        direct.map { phase in
          (phase.path.peers.sorted { $0.key < $1.key }.map {
            "\($0.key) \(Figures.bytes($0.value))"
          }
            + (phase.path.memory > 0 ? ["memory \(Figures.bytes(phase.path.memory))"] : []))
            .joined(separator: ", ")
        } ?? ""
      explanation = item.outcome.explanation.printable
    }

    private static func words(_ kind: CaseOutcome.Kind) -> String {
      switch kind {
      case .verified: "verified"
      case .refusedFellBack: "refused and fell back"
      case .skipped: "skipped"
      case .knownLimit: "known limit"
      case .failed: "failed"
      }
    }

    /// Width of a bar of at most 120 units; times span decades, so the scale is logarithmic from
    /// 10 µs on.
    private static func bar(_ seconds: Double?, _ longest: Double) -> String {
      guard let seconds, seconds > 1e-5, longest > 1e-5 else { return "0" }
      return String(format: "%.1f", 120 * log(seconds / 1e-5) / max(log(longest / 1e-5), 1e-9))
    }
  }

  private static let template = """
    <!doctype html>
    <html lang="en"><head><meta charset="utf-8"><title>{{title}}</title><style>
    :root { color-scheme: light dark; --good: #1a7f37; --bad: #cf222e; --warn: #9a6700; }
    body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem; padding: 0 1rem; }
    table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
    th, td { text-align: left; padding: .25rem .6rem; border-bottom: 1px solid #8884; }
    td.n, th.n { text-align: right; }
    .verified, .refusedFellBack { color: var(--good); } .failed { color: var(--bad); font-weight: 600; }
    .knownLimit, .skipped { color: var(--warn); } .dim { opacity: .7; }
    .why { font-size: .9em; } rect.d { fill: #0969da; } rect.f { fill: #8888; }
    </style></head><body>
    <h1>{{title}} <span class="{{verdict}}">{{verdict}}</span></h1>
    <p>{{summary}}</p><p class="dim">{{machine}}<br>{{timings}}</p>
    {{#interruption}}<p class="failed">The suite did not come to its end. {{.}}</p>{{/interruption}}
    <p class="dim">Bars: direct (blue) above fallback (grey), logarithmic from 10 µs.</p>
    <table><thead><tr><th>case<th>route<th class="n">bytes<th class="n">direct<th class="n">fallback
    <th>times<th>direct path moved through<th>outcome</tr></thead><tbody>
    {{#rows}}<tr><td>{{name}}<td>{{route}}<td class="n">{{bytes}}<td class="n">{{direct}}
    <td class="n">{{fallback}}<td><svg width="120" height="12" role="img" aria-label="{{direct}} and {{fallback}}">
    <rect class="d" width="{{directBar}}" height="5"/><rect class="f" y="6" width="{{fallbackBar}}" height="5"/>
    </svg><td>{{path}}<td><span class="{{kind}}">{{outcome}}</span>
    <div class="why">{{explanation}}</div></tr>
    {{/rows}}</tbody></table></body></html>
    """
}
