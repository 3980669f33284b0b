// SPDX-License-Identifier: Apache-2.0

import Verification

/// A case of the suite `device-map` as a row of the HTML table.
struct HTMLDeviceMapRow {
  let name: String
  let kind: String
  let mark: String
  let outcome: String
  let path: String
  let direct: String
  let fallback: String
  let refusals: String
  let moved: String
  let controllers: String
  let commands: String
  let faults: String
  let explanation: String
  let hasExplanation: Bool

  init(_ item: CaseRecord) {
    name = item.what.printable
    kind = item.outcome.kind.rawValue
    mark = item.outcome.mark
    outcome = item.outcome.words
    let text = { (count: UInt64?) in count.map { String($0) } ?? "" }
    let files = item.gpu?.files
    path = files?.path.words ?? ""
    direct = text(files?.pages?.direct)
    fallback = text(files?.pages?.fallback)
    refusals = text(files?.pages?.refusals)
    moved = item.gpu?.movedWords ?? ""
    controllers = (files?.controllers ?? [:]).sorted { $0.key < $1.key }
      .map { "\($0.key.printable): \($0.value.words)" }.joined(separator: "; ")
    commands = text(item.gpu?.commands)
    faults = text(item.gpu?.faults)
    explanation = item.outcome.explanation.printable
    hasExplanation = !explanation.isEmpty
  }
}
