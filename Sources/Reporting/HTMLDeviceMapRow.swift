// SPDX-License-Identifier: Apache-2.0

import Verification

/// A case of the suite `device-map` as a row of the HTML table.
struct HTMLDeviceMapRow {
  let name: String
  let verdict: HTMLVerdict
  let path: String
  let direct: String
  let fallback: String
  let refusals: String
  let moved: String
  let controllers: String
  let commands: String
  let faults: String

  init(_ item: CaseRecord) {
    name = item.what.printable
    verdict = HTMLVerdict(item)
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
  }
}
