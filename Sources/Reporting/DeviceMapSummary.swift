// SPDX-License-Identifier: Apache-2.0

import Verification

/// What the cases of the suite `device-map` come to, in the words of the reports.
struct DeviceMapSummary {
  /// How many cases took which path.
  let paths: String
  /// Pages by path, as the guest's driver counted them.
  let pages: String
  /// Bytes by port, as the GPU counted them.
  let bytes: String
  /// What QEMU saw the controllers move through their BARs.
  let controllers: [String]

  /// All of the sentences.
  var sentences: [String] { [paths, pages, bytes] + controllers }

  /// Nil for a run without such cases.
  init?(of record: RunRecord) {
    // Those of power cuts are of all volumes together, and have a summary of their own.
    let cases = record.cases.filter { !$0.isPowerCut }
    let all = cases.compactMap(\.gpu?.files)
    guard !all.isEmpty else { return nil }
    let counts = [FileTraffic.Path.direct, .fallback, .mixed, .none].compactMap { path in
      let count = all.count { $0.path == path }
      return count > 0 ? "\(count) \(path.words)" : nil
    }
    paths = "\(Figures.count(all.count, "case")): \(counts.joined(separator: ", "))"

    let sum = all.compactMap(\.pages).reduce(into: PageCounts()) { sum, pages in
      sum.direct &+= pages.direct
      sum.fallback &+= pages.fallback
      sum.refusals &+= pages.refusals
    }
    pages =
      "the driver mapped \(Self.pages(sum.direct)) direct and \(sum.fallback) by the fallback; "
      + "device_map refused \(Figures.count(Int(clamping: sum.refusals), "time"))"

    var moved: [String: UInt64] = [:]
    for activity in cases.compactMap(\.gpu) where activity.files != nil {
      for (port, count) in activity.bytes { moved[port, default: 0] &+= count }
    }
    let words = GPUActivity(claim: .mixed, bytes: moved).movedWords
    bytes = "the GPU moved \(words.isEmpty ? "nothing" : words)"

    var traffic: [String: ControllerTraffic] = [:]
    for (id, part) in all.compactMap(\.controllers).joined() {
      traffic[id, default: ControllerTraffic()].filled &+= part.filled
      traffic[id, default: ControllerTraffic()].writtenBack &+= part.writtenBack
    }
    controllers = traffic.sorted { $0.key < $1.key }.map { id, part in
      part.ownBAR == 0
        ? "\(id.printable) moved nothing through its BAR"
        : "\(id.printable) moved \(Figures.bytes(part.filled)) from its disk into its BAR and "
          + "\(Figures.bytes(part.writtenBack)) back"
    }
  }

  private static func pages(_ count: UInt64) -> String { count == 1 ? "1 page" : "\(count) pages" }
}

extension FileTraffic.Path {
  /// The path in a word.
  var words: String {
    switch self {
    case .direct, .fallback, .mixed: rawValue
    case .none: "without data"
    }
  }
}

extension ControllerTraffic {
  /// "256 KiB filled, 4 KiB written back, 64 KiB memory".
  var words: String {
    [
      (filled, "filled"), (writtenBack, "written back"), (otherBARs, "other BARs"),
      (memory, "memory"), (elsewhere, "elsewhere"), (refused, "refused"),
    ].filter { $0.0 > 0 }.map { "\(Figures.bytes($0.0)) \($0.1)" }.joined(separator: ", ")
  }
}
