// SPDX-License-Identifier: Apache-2.0

import Verification

/// What the cuts of the suite `power-cut` come to, in the words of the reports.
enum PowerCutSummary {
  /// One sentence a volume; none for other runs.
  static func sentences(of record: RunRecord) -> [String] {
    let cuts = record.cases.filter(\.isPowerCut)
    var volumes: [String] = []
    for item in cuts where !volumes.contains(item.volume) { volumes.append(item.volume) }
    return volumes.map { volume in
      let own = cuts.filter { $0.volume == volume }
      let writes = own.reduce(0) { $0 + Int(clamping: $1.gpu?.acknowledged ?? 0) }
      let lost = own.count { $0.outcome.failure == .lostWrite }
      let unclean = own.count { $0.outcome.failure == .uncleanFileSystem }
      let system = record.topology.fileSystem(of: volume)
      return
        "\(volume.printable)\(system.map { ", \($0)" } ?? ""): \(Figures.count(own.count, "cut")), "
        + "\(Figures.count(writes, "acknowledged write")), "
        + "\(lost == 0 ? "none lost or torn" : "something lost or torn after \(lost)"); file system "
        + (unclean == 0 ? "clean after each" : "with faults after \(unclean)")
    }
  }
}
