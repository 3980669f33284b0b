// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// A part of one artifact's progress bar; work that knows only its own 0 to 1 reports to it.
///
/// All spans of one bar share the highest fraction seen, so that the bar never goes back however
/// the parts are estimated.
struct ProgressSpan: Sendable {
  private final class Bar: Sendable {
    let label: String
    let handler: ArtifactProgressHandler
    let highest = Mutex(0.0)

    init(label: String, handler: @escaping ArtifactProgressHandler) {
      self.label = label
      self.handler = handler
    }
  }

  private let bar: Bar
  private let lower: Double
  private let upper: Double

  /// The whole bar.
  init(label: String, handler: @escaping ArtifactProgressHandler) {
    bar = Bar(label: label, handler: handler)
    lower = 0
    upper = 1
  }

  private init(bar: Bar, lower: Double, upper: Double) {
    self.bar = bar
    self.lower = lower
    self.upper = upper
  }

  var label: String { bar.label }

  /// The part between two fractions of this span.
  func part(from start: Double, to end: Double) -> ProgressSpan {
    ProgressSpan(
      bar: bar, lower: lower + (upper - lower) * start, upper: lower + (upper - lower) * end)
  }

  /// Cuts this span into parts in proportion to the weights (estimated seconds).
  func parts(weights: [Double]) -> [ProgressSpan] {
    let total = weights.reduce(0, +)
    guard total > 0 else { return weights.map { _ in self } }
    var start = 0.0
    return weights.map { weight in
      let part = part(from: start / total, to: (start + weight) / total)
      start += weight
      return part
    }
  }

  /// Reports that this span is done so far; a NaN or a value outside of 0...1 is pulled inside.
  func report(_ fraction: Double, _ detail: String) {
    let inside = fraction.isFinite ? min(max(fraction, 0), 1) : 0
    let absolute = lower + (upper - lower) * inside
    // The handler is called under the lock: reports of two threads must not overtake each other.
    bar.highest.withLock { highest in
      highest = max(highest, absolute)
      bar.handler(ArtifactProgress(label: bar.label, fraction: highest, detail: detail))
    }
  }

  /// Tells the user something that must not be lost; the bar stays where it is.
  func notice(_ sentence: String) {
    bar.highest.withLock { highest in
      bar.handler(
        ArtifactProgress(
          label: bar.label, fraction: highest, detail: sentence, notice: sentence))
    }
  }
}
