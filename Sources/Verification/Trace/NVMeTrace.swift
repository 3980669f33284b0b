// SPDX-License-Identifier: Apache-2.0

import Foundation

/// What the emulated NVMe controllers did, from QEMU's own trace log: an account of the path that the
/// guest has no hand in.
public struct NVMeTrace: Hashable, Sendable {
  /// An address that a command named for a part of its data.
  public struct DataAddress: Hashable, Sendable {
    /// A bus address, or with a vIOMMU an I/O virtual one.
    public var address: UInt64
    /// Bytes.
    public var length: UInt64
  }

  /// A read or write command.
  public struct Command: Hashable, Sendable {
    /// Which way the data moved.
    public var direction: TransferDirection
    /// The namespace; unique in the whole guest.
    public var nsid: UInt32
    /// Bytes of data.
    public var bytes: UInt64
    /// First logical block.
    public var lba: UInt64
    /// Which of the trace's addresses are the command's, in the order of its data.
    public var addresses: Range<Int>
    /// Bytes that the addresses cover; fewer than `bytes` when the controller refused the command.
    public var mappedBytes: UInt64
    /// Position among all events of the trace.
    var sequence: Int
  }

  /// A page that the vIOMMU translated for a device.
  public struct Translation: Hashable, Sendable {
    /// The device.
    public var requester: RequesterID
    /// First address of the page as the device names it.
    public var iova: UInt64
    /// First address of the page on the bus.
    public var address: UInt64
    /// Bits within the page.
    public var mask: UInt64
    var sequence = 0
  }

  /// An access that the vIOMMU refused.
  public struct Fault: Hashable, Sendable {
    /// The device.
    public var requester: RequesterID
    /// The address as the device names it.
    public var address: UInt64
    /// The device wanted to write.
    public var isWrite: Bool
    var sequence = 0
  }

  /// Names a phase of a case, or a whole case of the peer GPU. The two have numbers of their own.
  public struct PhaseKey: Hashable, Sendable {
    /// The case, from 1.
    public var n: Int
    /// Its phase; nil for a case of the peer GPU.
    public var phase: Phase?

    /// Names a phase.
    public init(_ n: Int, _ phase: Phase) {
      self.n = n
      self.phase = phase
    }

    /// Names a case of the peer GPU.
    public init(gpu n: Int) {
      self.n = n
    }
  }

  /// What lies between the begin and the end marker of a phase, or of a case of the peer GPU.
  public struct Window: Hashable, Sendable {
    /// Which of the trace's commands.
    public var commands: Range<Int>
    /// Which of the trace's translations.
    public var translations: Range<Int>
    /// Which of the trace's faults.
    public var faults: Range<Int>
    /// Why the window proves nothing; nil if it is whole.
    public var flaw: String?
  }

  /// Read and write commands, in the order in which the controllers took them.
  public internal(set) var commands: [Command] = []
  /// The addresses of all commands.
  public internal(set) var addresses: [DataAddress] = []
  /// Pages that the vIOMMU translated.
  public internal(set) var translations: [Translation] = []
  /// Accesses that the vIOMMU refused; the first ones.
  public internal(set) var faults: [Fault] = []
  /// How many there were.
  public internal(set) var faultCount = 0
  /// The phases' windows.
  public internal(set) var windows: [PhaseKey: Window] = [:]
  /// Lines that start like an event and could not be read.
  public internal(set) var malformedLines = 0
  /// The log was too long to be kept; what came later is missing.
  public internal(set) var isTruncated = false

  /// An empty trace.
  public init() {}

  /// Reads a whole log.
  public init(log: Data) {
    var parser = NVMeTraceParser()
    log.withUnsafeBytes { parser.take($0) }
    self = parser.finish()
  }
}
