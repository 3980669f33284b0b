// SPDX-License-Identifier: Apache-2.0

import Verification

/// What a guest has said to be durable, over all of its lives.
struct AcknowledgedWrites: Sendable {
  /// The generation of each slot, by volume; 0 for a slot that was never acknowledged.
  private(set) var generations: [String: [UInt16]]
  /// How many there were of each volume since the last `forgetCounts()`.
  private(set) var counts: [String: Int] = [:]

  init(volumes: [String]) {
    generations = Dictionary(
      uniqueKeysWithValues: volumes.map {
        ($0, [UInt16](repeating: 0, count: Acknowledgment.slots))
      })
  }

  /// All of them since the last `forgetCounts()`.
  var count: Int { counts.values.reduce(0, +) }

  /// Takes one.
  ///
  /// - Parameter counts: whether it is one of those that a life is there for, and not of what puts a
  ///   slot in order that the cut before had caught half written.
  /// - Returns: what is wrong with it, if something is.
  mutating func take(_ write: Acknowledgment, counts isCounted: Bool = true) -> String? {
    guard let known = generations[write.volume] else {
      return "it acknowledges a write to a volume `\(write.volume.prefix(40))` that is not there"
    }
    guard known.indices.contains(write.slot) else {
      return "it acknowledges a write to slot \(write.slot) of \(known.count)"
    }
    guard write.generation > known[write.slot] else {
      return
        "it acknowledges generation \(write.generation) of slot \(write.slot) of \(write.volume) "
        + "after \(known[write.slot])"
    }
    generations[write.volume]?[write.slot] = write.generation
    if isCounted { counts[write.volume, default: 0] += 1 }
    return nil
  }

  /// Counts from 0 again: another life begins.
  mutating func forgetCounts() { counts = [:] }

  /// What the program of the next life is told: `--acknowledged VOLUME=G0,G1,...`.
  var arguments: [String] {
    generations.sorted { $0.key < $1.key }.flatMap { volume, slots in
      ["--acknowledged", "\(volume)=\(slots.map { String($0) }.joined(separator: ","))"]
    }
  }
}
