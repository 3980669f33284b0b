// SPDX-License-Identifier: Apache-2.0

import Verification

/// A case of somebody else's program as a row of the HTML table.
struct HTMLForeignRow {
  let name: String
  let verdict: HTMLVerdict
  let time: String

  init(_ item: CaseRecord) {
    name = item.what.printable
    verdict = HTMLVerdict(item)
    time = item.foreign.map { Figures.seconds($0.seconds) } ?? ""
  }
}
