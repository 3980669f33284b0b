// SPDX-License-Identifier: Apache-2.0

/// A boot that hung for a reason that the next one did not have. Nothing else in the record is of it.
public struct BootRetry: Sendable, Hashable, Codable {
  /// Why it was given up, as a part of a sentence.
  public var reason: String
  /// Its console, relative to the run directory.
  public var console: String
  /// How long it was waited for; in none of the timings.
  public var seconds: Double

  /// Names a boot.
  public init(reason: String, console: String, seconds: Double) {
    self.reason = reason
    self.console = console
    self.seconds = seconds
  }
}
