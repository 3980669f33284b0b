// SPDX-License-Identifier: Apache-2.0

/// What a peer GPU did in one case, by the counters of the device and of the guest's driver.
public struct GPUActivity: Sendable, Hashable, Codable {
  /// Where the case says that its DMA goes.
  public var claim: DMAClaim
  /// Commands that ended.
  public var commands: UInt64
  /// Page faults that the device raised.
  public var faults: UInt64
  /// Of them, by the driver's count, those that ended their command.
  public var aborts: UInt64
  /// Doorbells that the guest rang.
  public var doorbells: UInt64
  /// Interrupts that the device sent.
  public var interrupts: UInt64
  /// Invalidations that the device acknowledged.
  public var invalidations: UInt64
  /// Resets of the device.
  public var resets: UInt64
  /// Bytes by the DMA port: `video`, `memory`, `bar`, `bus`, `none`; ports without any are missing.
  public var bytes: [String: UInt64]
  /// Bytes by which the anonymous memory of the host's process grew during the case, or shrank if it is
  /// negative; nil if that is not known.
  public var hostGrowth: Int64?
  /// How the blocks of files got there; nil but in the suite `device-map`.
  public var files: FileTraffic?
  /// Writes that were acknowledged as durable; nil but in the suite `power-cut`.
  public var acknowledged: UInt64?

  /// Names what happened.
  public init(
    claim: DMAClaim, commands: UInt64 = 0, faults: UInt64 = 0, aborts: UInt64 = 0,
    doorbells: UInt64 = 0, interrupts: UInt64 = 0, invalidations: UInt64 = 0, resets: UInt64 = 0,
    bytes: [String: UInt64] = [:], hostGrowth: Int64? = nil
  ) {
    self.claim = claim
    self.commands = commands
    self.faults = faults
    self.aborts = aborts
    self.doorbells = doorbells
    self.interrupts = interrupts
    self.invalidations = invalidations
    self.resets = resets
    self.bytes = bytes
    self.hostGrowth = hostGrowth
  }

  /// Bytes that a port moved.
  public func bytes(by port: String) -> UInt64 { bytes[port] ?? 0 }

  /// Bytes that moved from or to BARs of other devices.
  public var barBytes: UInt64 { bytes(by: "bar") &+ bytes(by: "bus") }
}
