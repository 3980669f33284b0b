// SPDX-License-Identifier: Apache-2.0

import Verification

/// How a case ended, as the last cell of its row of an HTML table.
struct HTMLVerdict {
  let kind: String
  let mark: String
  let outcome: String
  let explanation: String
  let hasExplanation: Bool

  init(_ item: CaseRecord) {
    kind = item.outcome.kind.rawValue
    mark = item.outcome.mark
    outcome = item.outcome.words
    explanation = item.outcome.explanation.printable
    hasExplanation = !explanation.isEmpty
  }

  /// The cell, in a row that calls this `verdict`.
  static let cell = """
    {{#verdict}}<td class="{{kind}}">{{mark}} {{outcome}}
    {{#hasExplanation}}<details><summary>why</summary>{{explanation}}</details>{{/hasExplanation}}
    </td>{{/verdict}}
    """
}
