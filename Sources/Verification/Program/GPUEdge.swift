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
  /// The case leaves a file of its name, which the host has to find on the disk; at the end.
  public var leavesFile = false
}

/// What the guest's driver counted in a case.
public struct GPUCounts: Hashable, Sendable, Codable {
  /// Commands that were submitted.
  public var commands: UInt64
  /// Page faults that were answered.
  public var faults: UInt64
  /// Of them, those that ended their command.
  public var aborts: UInt64
  /// How it got at pages; nil where the program does not say.
  public var pages: PageCounts?

  /// Counts.
  public init(commands: UInt64, faults: UInt64, aborts: UInt64, pages: PageCounts? = nil) {
    self.commands = commands
    self.faults = faults
    self.aborts = aborts
    self.pages = pages
  }
}

/// Pages that the guest's driver mapped for the GPU, by their path.
public struct PageCounts: Hashable, Sendable, Codable {
  /// Blocks of files, in the BAR of their block device.
  public var direct: UInt64
  /// Pages of the page cache, and memory that belongs to no file.
  public var fallback: UInt64
  /// Calls of `device_map` that were refused.
  public var refusals: UInt64

  /// Counts.
  public init(direct: UInt64 = 0, fallback: UInt64 = 0, refusals: UInt64 = 0) {
    self.direct = direct
    self.fallback = fallback
    self.refusals = refusals
  }
}

/// A program asks for switches of the device's fault injection, such as `drop-doorbell=1`; `none`
/// takes them all back.
public struct InjectionRequest: Hashable, Sendable {
  /// Number of the case.
  public var n: Int
  /// The switches, with commas between.
  public var switches: String
}
