// SPDX-License-Identifier: Apache-2.0

import Verification

/// A case of a GPU as a row of the HTML table.
struct HTMLGPURow {
  let name: String
  let verdict: HTMLVerdict
  let commands: String
  let faults: String
  let aborts: String
  let doorbells: String
  let interrupts: String
  let invalidations: String
  let moved: String

  init(_ item: CaseRecord) {
    name = item.what.printable
    verdict = HTMLVerdict(item)
    let gpu = item.gpu
    let text = { (count: UInt64?) in count.map { String($0) } ?? "" }
    commands = text(gpu?.commands)
    faults = text(gpu?.faults)
    aborts = text(gpu?.aborts)
    doorbells = text(gpu?.doorbells)
    interrupts = text(gpu?.interrupts)
    invalidations = text(gpu?.invalidations)
    moved = gpu?.movedWords ?? ""
  }
}
