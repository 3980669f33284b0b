// SPDX-License-Identifier: Apache-2.0

import Verification

/// The cases of one group as aligned lines.
struct CaseTable {
  let group: CaseGroup
  let columns: Int
  let ink: Ink

  /// Columns of the names, the same for all groups of a report.
  let nameWidth: Int

  private enum Width {
    static let name = 16...48
    static let bytes = 9
    static let time = 9
    static let ratio = 6
    static let count = 8
    /// All numbers, with a space before each.
    static let numbers = 1 + bytes + 1 + time + 1 + time + 1 + ratio
    /// Before the name: indentation and mark.
    static let mark = 4
  }

  /// Columns that names and titles of all groups need, as far as there is room.
  static func nameWidth(of groups: [CaseGroup], columns: Int) -> Int {
    let names = groups.flatMap(\.cases).map { $0.what.printable.terminalColumns }
    let titles = groups.map { $0.heading.terminalColumns - Width.mark }
    let maps = groups.contains(where: \.isDeviceMap)
    let numbers =
      maps
      ? DeviceMapColumns.width(of: columns - Width.mark, names: names.max() ?? 0) : Width.numbers
    let room = max(columns - Width.mark - numbers, Width.name.lowerBound)
    let wanted = max((names + titles).max() ?? 0, Width.name.lowerBound)
    return min(wanted, room, Width.name.upperBound)
  }

  var lines: [String] {
    let room = Width.mark + nameWidth
    let header =
      switch group.kind {
      case .gpu: Self.gpuHeader
      case .deviceMap: deviceMapColumns.header
      case .foreign: " " + "time".padded(from: Width.time)
      case .transfer: Self.transferHeader
      }
    let heading =
      group.heading.terminalColumns <= room
      ? [ink(.strong, group.heading.padded(to: room)) + ink(.faint, header)]
      : [
        ink(.strong, group.heading.shortened(to: columns)),
        String(repeating: " ", count: room) + ink(.faint, header),
      ]
    return heading + group.cases.map(row)
  }

  private static let transferHeader =
    " " + "bytes".padded(from: Width.bytes) + " " + "direct".padded(from: Width.time) + " "
    + "fallback".padded(from: Width.time) + " " + "ratio".padded(from: Width.ratio)

  private static let gpuHeader =
    " "
    + ["commands", "faults", "bells", "irqs"].map { $0.padded(from: Width.count) }
    .joined(separator: " ") + "  bytes by port"

  private var deviceMapColumns: DeviceMapColumns {
    DeviceMapColumns(room: columns - Width.mark - nameWidth, ink: ink)
  }

  private func row(_ item: CaseRecord) -> String {
    let name = item.what.printable.shortened(to: nameWidth).padded(to: nameWidth)
    let cells =
      switch group.kind {
      case .gpu: gpuCells(item)
      case .deviceMap: deviceMapColumns.cells(of: item)
      case .foreign:
        [(item.foreign.map { Figures.seconds($0.seconds) } ?? "").padded(from: Width.time)]
      case .transfer: transferCells(item)
      }
    let line =
      "  \(ink(item.outcome.meaning, item.outcome.mark)) \(name) \(cells.joined(separator: " "))"
    guard let remark = remark(item.outcome) else { return trimmed(line) }
    let room = columns - Width.mark - nameWidth - Width.numbers - 2
    if case .transfer = group.kind, room >= 18 {
      return "\(line)  \(ink(item.outcome.meaning, remark.shortened(to: room)))"
    }
    return trimmed(line) + "\n      "
      + ink(item.outcome.meaning, remark.shortened(to: columns - 6))
  }

  private func transferCells(_ item: CaseRecord) -> [String] {
    let direct = item.phase(.direct)
    let fallback = item.phase(.fallback)
    let bytes = [direct, fallback].compactMap { $0?.bytes }.max()
    let ratio = direct.flatMap { direct in
      fallback.flatMap { fallback in
        direct.errno == 0 && fallback.errno == 0
          ? Figures.ratio(fallback.seconds, to: direct.seconds) : nil
      }
    }
    return [
      (bytes.map { $0 > 0 ? Figures.bytes($0) : "" } ?? "").padded(from: Width.bytes),
      time(direct, refusal: "refused").padded(from: Width.time),
      time(fallback, refusal: "failed").padded(from: Width.time),
      (ratio ?? "").padded(from: Width.ratio),
    ]
  }

  private func gpuCells(_ item: CaseRecord) -> [String] {
    guard let gpu = item.gpu else { return [] }
    let counts = [gpu.commands, gpu.faults, gpu.doorbells, gpu.interrupts]
    return counts.map { String($0).padded(from: Width.count) } + [" " + gpu.movedWords]
  }

  private func remark(_ outcome: CaseOutcome) -> String? {
    switch outcome.kind {
    case .verified, .refusedFellBack: nil
    case .skipped: "skipped: \(outcome.explanation.printable)"
    case .knownLimit: "\(outcome.failure?.rawValue ?? "failure") (known)"
    case .failed: outcome.words
    }
  }

  private func time(_ phase: PhaseRecord?, refusal: String) -> String {
    guard let phase else { return "" }
    return phase.errno == 0 ? Figures.seconds(phase.seconds) : refusal
  }

  private func trimmed(_ line: String) -> String {
    var line = line[...]
    while line.last == " " { line.removeLast() }
    return String(line)
  }
}

extension CaseGroup {
  /// Whether its cases are those of the suite `device-map`.
  fileprivate var isDeviceMap: Bool {
    if case .deviceMap = kind { return true }
    return false
  }
}
