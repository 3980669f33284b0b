// SPDX-License-Identifier: Apache-2.0

/// The beginning or the end of what a case has the peer GPU do, as its program says it. The host
/// takes the device's counters at both.
public struct GPUEdge: Hashable, Sendable {
  /// Which end.
  public enum Side: String, Hashable, Sendable, Codable {
    case begin
    case end
  }

  /// Number of the case.
  public var n: Int
  /// Which end it is.
  public var side: Side
  /// Where the case's DMA is to go; at the beginning.
  public var claim: DMAClaim?
  /// What the guest's driver counted; at the end.
  public var counts: GPUCounts?
}

/// What the guest's driver counted in a case.
public struct GPUCounts: Hashable, Sendable, Codable {
  /// Commands that were submitted.
  public var commands: UInt64
  /// Page faults that were answered.
  public var faults: UInt64
  /// Of them, those that ended their command.
  public var aborts: UInt64

  /// Counts.
  public init(commands: UInt64, faults: UInt64, aborts: UInt64) {
    self.commands = commands
    self.faults = faults
    self.aborts = aborts
  }
}

/// A program asks for switches of the device's fault injection, such as `drop-doorbell=1`; `none`
/// takes them all back.
public struct InjectionRequest: Hashable, Sendable {
  /// Number of the case.
  public var n: Int
  /// The switches, with blanks between.
  public var switches: String
}
