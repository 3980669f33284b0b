// SPDX-License-Identifier: Apache-2.0

/// Measures how long the phases of a run take.
struct PhaseClock: Sendable {
  private let clock = ContinuousClock()
  private var start: ContinuousClock.Instant

  init() {
    start = clock.now
  }

  /// Seconds since the last call, or since the beginning.
  mutating func lap() -> Double {
    let now = clock.now
    defer { start = now }
    return (now - start).seconds
  }
}

extension Duration {
  /// The duration in seconds.
  var seconds: Double {
    Double(components.seconds) + Double(components.attoseconds) / 1e18
  }
}
