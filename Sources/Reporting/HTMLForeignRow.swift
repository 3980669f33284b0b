// SPDX-License-Identifier: Apache-2.0

import Verification

/// A case of somebody else's program as a row of the HTML table.
struct HTMLForeignRow {
  let name: String
  let kind: String
  let mark: String
  let outcome: String
  let time: String
  let explanation: String
  let hasExplanation: Bool

  init(_ item: CaseRecord) {
    name = item.what.printable
    kind = item.outcome.kind.rawValue
    mark = item.outcome.mark
    outcome = item.outcome.words
    time = item.foreign.map { Figures.seconds($0.seconds) } ?? ""
    explanation = item.outcome.explanation.printable
    hasExplanation = !explanation.isEmpty
  }
}
