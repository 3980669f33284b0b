// SPDX-License-Identifier: Apache-2.0

import Foundation
import Harness
import Reporting
import Synchronization

/// Shows how far a long command is, on standard error: one redrawn line on a terminal; elsewhere one
/// line for each new step, for each tenth of it, and for a minute in which one came forward; when asked to say more, one line with the time for everything.
final class ProgressView: Sendable {
  private struct State {
    var lineIsOpen = false
    var lastLabel = ""
    var lastDetail = ""
    var lastTenth = 0
    var lastLine = ContinuousClock.now
    var lastDraw = ContinuousClock.now - .seconds(1)
  }

  private let quiet: Bool
  private let verbose: Bool
  private let start = ContinuousClock.now
  private let state = Mutex(State())

  init(_ options: OutputOptions) {
    quiet = options.quiet
    verbose = options.verbose
  }

  /// Takes one report, from any thread.
  func show(_ progress: RunProgress) {
    guard !quiet else { return }
    state.withLock { state in
      if let notice = progress.notice { Self.print(notice, &state) }
      if verbose {
        guard progress.label != state.lastLabel || progress.detail != state.lastDetail else {
          return
        }
        Terminal.standardError(
          Self.line(progress, at: ContinuousClock.now - start) + "\n")
      } else if Terminal.showsBars {
        draw(progress, &state)
      } else if progress.label != state.lastLabel {
        Terminal.standardError("\(progress.label)\n")
        state.lastTenth = 0
        state.lastLine = .now
      } else if let fraction = progress.fraction.map({ min(max($0, 0), 1) }),
        Int(fraction * 10) > state.lastTenth || state.lastLine.duration(to: .now) > .seconds(60)
      {
        // A build of many minutes is not silent in a log either.
        Terminal.standardError(
          "\(progress.label) \(Int(fraction * 100)) %  \(progress.detail)\n")
        state.lastTenth = Int(fraction * 10)
        state.lastLine = .now
      }
      state.lastLabel = progress.label
      state.lastDetail = progress.detail
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
    return String(line.printable.prefix(width))
  }

  /// One line for the log of a command that says more: seconds since its start, step, detail.
  static func line(_ progress: RunProgress, at time: Duration) -> String {
    let seconds = time.formatted(
      .time(pattern: .minuteSecond(padMinuteToLength: 2, fractionalSecondsLength: 3)))
    let line = progress.detail.isEmpty ? progress.label : "\(progress.label)  \(progress.detail)"
    return "\(seconds)  \(line.printable)"
  }

  private static func print(_ notice: String, _ state: inout State) {
    clear(&state)
    Terminal.standardError("\(Terminal.shown(notice))\n")
  }

  private static func clear(_ state: inout State) {
    guard state.lineIsOpen else { return }
    state.lineIsOpen = false
    Terminal.standardError("\r\u{1B}[K")
  }
}
