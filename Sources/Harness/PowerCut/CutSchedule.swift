// SPDX-License-Identifier: Apache-2.0

import PeerGPU

/// When the power goes, life by life. The same seed gives the same moments, as far as the guest keeps
/// the same pace.
struct CutSchedule: Sendable {
  /// A moment, counted from the first acknowledged write.
  struct Moment: Sendable, Hashable {
    /// Writes that are acknowledged before.
    var acknowledgments: Int
    /// What passes after the last of them: some point of the next writes.
    var delay: Duration
  }

  /// Few and many, so that a cut meets slots that were just mapped as well as well-worn ones.
  static let acknowledgments = 1...40
  /// About as long as three writes take under emulation.
  static let microseconds: ClosedRange<Int64> = 0...60_000

  private var generator: SplitMix64

  init(seed: UInt64) {
    generator = SplitMix64(seed)
  }

  /// The next life's moment.
  mutating func next() -> Moment {
    Moment(
      acknowledgments: Int.random(in: Self.acknowledgments, using: &generator),
      delay: .microseconds(Int64.random(in: Self.microseconds, using: &generator)))
  }
}
