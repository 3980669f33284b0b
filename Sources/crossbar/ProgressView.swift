// SPDX-License-Identifier: Apache-2.0

import Foundation
import Harness
import Synchronization

/// Shows how far a long command is, on standard error: one redrawn line on a terminal, one line for
/// each new step elsewhere.
final class ProgressView: Sendable {
  private struct State {
    var lineIsOpen = false
    var lastLabel = ""
    var lastDraw = ContinuousClock.now - .seconds(1)
  }

  private let quiet: Bool
  private let state = Mutex(State())

  init(quiet: Bool) {
    self.quiet = quiet
  }

  /// Takes one report, from any thread.
  func show(_ progress: RunProgress) {
    guard !quiet else { return }
    state.withLock { state in
      if let notice = progress.notice { Self.print(notice, &state) }
      if Terminal.showsBars {
        draw(progress, &state)
      } else if progress.label != state.lastLabel {
        Terminal.standardError("\(progress.label)\n")
      }
      state.lastLabel = progress.label
    }
  }

  /// Takes the bar away.
  func clear() {
    state.withLock { Self.clear(&$0) }
  }

  private func draw(_ progress: RunProgress, _ state: inout State) {
    let now = ContinuousClock.now
    // Twenty times a second is as much as an eye takes; a new step is always shown.
    guard now - state.lastDraw > .milliseconds(50) || progress.label != state.lastLabel else {
      return
    }
    state.lastDraw = now
    state.lineIsOpen = true
    let width = max(Terminal.columns(of: STDERR_FILENO) - 1, 20)
    Terminal.standardError("\r\u{1B}[K" + Self.line(progress, width: width))
  }

  /// One line of at most `width` columns: label, bar, percentage, detail.
  static func line(_ progress: RunProgress, width: Int) -> String {
    var line = progress.label
    if let fraction = progress.fraction {
      let cells = 24
      let full = min(max(Int(fraction * Double(cells)), 0), cells)
      let bar =
        String(repeating: "━", count: full) + String(repeating: "╌", count: cells - full)
      line += " \(bar) \(Int(min(max(fraction, 0), 1) * 100)) %"
    }
    if !progress.detail.isEmpty { line += "  \(progress.detail)" }
    return String(line.filter { !$0.isNewline }.prefix(width))
  }

  private static func print(_ notice: String, _ state: inout State) {
    clear(&state)
    Terminal.standardError("\(notice)\n")
  }

  private static func clear(_ state: inout State) {
    guard state.lineIsOpen else { return }
    state.lineIsOpen = false
    Terminal.standardError("\r\u{1B}[K")
  }
}
