// SPDX-License-Identifier: Apache-2.0

/// Something that is known not to work in today's emulator, for one pair of devices.
public struct EmulatorLimit: Sendable, Hashable, Codable {
  /// The NVMe controller that does the DMA.
  public var from: String
  /// The device whose memory is read or written.
  public var to: String
  /// What is seen instead of success.
  public var outcome: Outcome
  /// Why, in words for the report.
  public var reason: String

  /// Makes a limit.
  public init(from: String, to: String, outcome: Outcome, reason: String) {
    self.from = from
    self.to = to
    self.outcome = outcome
    self.reason = reason
  }

  /// What can be seen instead of success.
  public enum Outcome: String, Sendable, Hashable, Codable, CaseIterable {
    /// The command completes with success and the bytes are wrong.
    case silentCorruption = "silent-corruption"
  }
}
