// SPDX-License-Identifier: Apache-2.0

import Foundation
import Verification

/// A case of the suite `p2pdma` as a row of the HTML table.
struct HTMLTransferRow {
  let name: String
  let verdict: HTMLVerdict
  let bytes: String
  let direct: String
  let fallback: String
  let ratio: String
  let directBar: String
  let fallbackBar: String
  let path: String

  init(_ item: CaseRecord, longest: Double) {
    name = item.what.printable
    verdict = HTMLVerdict(item)
    let direct = item.phase(.direct)
    let fallback = item.phase(.fallback)
    let most = max(direct?.bytes ?? 0, fallback?.bytes ?? 0)
    bytes = most > 0 ? Figures.bytes(most) : ""
    self.direct = Self.time(direct, refusal: "refused")
    self.fallback = Self.time(fallback, refusal: "failed")
    let worked = direct?.errno == 0 && fallback?.errno == 0
    ratio =
      worked ? Figures.ratio(fallback?.seconds ?? 0, to: direct?.seconds ?? 0) ?? "" : ""
    directBar = Self.bar(direct, longest)
    fallbackBar = Self.bar(fallback, longest)
    path = direct?.path.moved.words ?? ""
  }

  private static func time(_ phase: PhaseRecord?, refusal: String) -> String {
    guard let phase else { return "" }
    return phase.errno == 0 ? Figures.seconds(phase.seconds) : refusal
  }

  /// Width of a bar of at most 120 units; times span decades, so the scale is logarithmic from
  /// 10 µs on.
  private static func bar(_ phase: PhaseRecord?, _ longest: Double) -> String {
    guard let phase, phase.errno == 0, phase.seconds.isFinite, phase.seconds > 1e-5,
      longest > 1.1e-5
    else { return "1" }
    let share = log(phase.seconds / 1e-5) / log(longest / 1e-5)
    return Figures.decimal(min(max(120 * share, 1), 120), places: 1)
  }
}
