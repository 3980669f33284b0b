// SPDX-License-Identifier: Apache-2.0

import PeerGPU
import Testing

@testable import Harness

/// Options that a suite would not look at.
@Suite struct UselessOptionTests {
  private static let options: [(option: String, use: @Sendable (inout RunRequest) -> Void)] = [
    ("--rounds", { $0.effort.rounds = 7 }), ("--seed", { $0.effort.seed = 7 }),
    ("--soak", { $0.effort.soak = 7 }), ("--no-sanitizer", { $0.sanitizes = false }),
    ("--inject", { $0.injection = FaultInjection([.flipBit: 1]) }),
  ]

  @Test(arguments: [
    (Harness.Suite.p2pdma, ["--rounds", "--seed", "--soak", "--no-sanitizer", "--inject"]),
    (.regression, ["--rounds", "--seed", "--soak", "--no-sanitizer", "--inject"]),
    (.powerCut, ["--soak", "--no-sanitizer"]), (.deviceMap, ["--soak"]), (.gpu, []), (.all, []),
  ])
  func areRefusedByName(suite: Harness.Suite, refused: [String]) throws {
    try shipped("switch", suite: suite).check()
    for (option, use) in Self.options {
      var request = try shipped("switch", suite: suite)
      use(&request)
      var message = ""
      do { try request.check() } catch { message = error.description }
      let start = "The suite \(suite.rawValue) has no use for \(option): leave it out, or take"
      #expect(message.hasPrefix(start) == refused.contains(option), "\(option): \(message)")
      #expect(message.isEmpty != refused.contains(option))
    }
  }
}
