// SPDX-License-Identifier: Apache-2.0

import Foundation

/// What became of each tooth, a line as soon as it is known.
struct ToothTable {
  private static let columns = [30, 10, 8, 8]

  func begin() {
    write(["tooth", "", "build", "run", "rule, and the case that failed"])
  }

  func add(_ tooth: Tooth, run: BrokenKernelRun, caught: Bool, build: Duration, time: Duration) {
    write([
      tooth.name, caught ? "caught" : "MISSED", Self.seconds(build), Self.seconds(time), tooth.rule,
    ])
    for item in run.failed {
      write(["", "", "", "", "  \(item.name): \(item.failure ?? "failed")"])
    }
  }

  private func write(_ cells: [String]) {
    let line = cells.enumerated().map { number, cell in
      number < Self.columns.count
        ? cell.padding(toLength: max(Self.columns[number], cell.count), withPad: " ", startingAt: 0)
        : cell
    }
    .joined(separator: " ")
    FileHandle.standardOutput.write(Data((line + "\n").utf8))
  }

  private static func seconds(_ duration: Duration) -> String {
    duration.formatted(
      .units(allowed: [.seconds], width: .narrow, fractionalPart: .show(length: 1)))
  }
}
