// SPDX-License-Identifier: Apache-2.0

import Foundation

/// What the GPU's engine did, by its own account: the content of `dma.jsonl`.
public struct AccessLog: Hashable, Sendable {
  /// Who served a DMA.
  public enum Port: UInt8, Hashable, Sendable {
    /// The GPU's own video memory; bus addresses are offsets in it.
    case video
    /// The mapping of system memory.
    case memory
    /// The mapping of another device's BAR.
    case bar
    /// The bus master, which reaches all that nobody maps.
    case bus
    /// Nobody: a master abort.
    case none
  }

  /// Why an engine touches a page.
  public enum Purpose: UInt8, Hashable, Sendable {
    /// To read.
    case read
    /// To write.
    case write
    /// To do an atomic operation.
    case atomic
  }

  /// One contiguous run of bytes, logged before it is touched.
  public struct Access: Hashable, Sendable {
    /// The command that asked for it.
    public var fence: UInt64
    /// First virtual address.
    public var address: UInt64
    /// First bus address, or the offset in video memory.
    public var bus: UInt64
    /// Bytes; `address + length` and `bus + length` stay below 2^64.
    public var length: UInt64
    /// Of the page-table entry: the driver's map generation modulo 4096.
    public var generation: UInt16
    /// It changes memory.
    public var isWrite: Bool
    /// Who served it.
    public var port: Port

    /// The virtual addresses.
    public var range: Range<UInt64> { address..<(address &+ length) }
  }

  /// An invalidation, logged when it is acknowledged.
  public struct Invalidation: Hashable, Sendable {
    /// First virtual address.
    public var address: UInt64
    /// Bytes; 0 from address 0 on are all.
    public var length: UInt64
    /// The newest map generation that it ends, in full.
    public var generation: UInt64
    /// Of its entry on the control ring, running freely.
    public var index: UInt32

    /// The virtual addresses.
    public var range: Range<UInt64> { everything(address, length) }
  }

  /// A page fault, logged when it is raised.
  public struct Fault: Hashable, Sendable {
    /// Its number, never 0.
    public var sequence: UInt64
    /// First virtual address.
    public var address: UInt64
    /// Bytes that the command will touch in the same way.
    public var length: UInt64
    /// The command that waits.
    public var fence: UInt64
    /// Why.
    public var purpose: Purpose
  }

  /// What the digests of a command say: of what it took, of what it gave, and of its result.
  public enum Payload: UInt8, Hashable, Sendable {
    /// The command moves no data, or it failed.
    case none
    /// The log has no digests.
    case missing
    /// They belong together.
    case intact
    /// They don't.
    case corrupt
  }

  /// What an engine did.
  public enum Event: Hashable, Sendable {
    /// `dma`.
    case access(Access)
    /// `invalidate`.
    case invalidation(Invalidation)
    /// `bind`, when it is acknowledged.
    case bind
    /// `unbind`, when it is acknowledged.
    case unbind
    /// `fault`.
    case fault(Fault)
    /// `reply`: the driver's answer to a fault; a positive errno ends the command.
    case reply(sequence: UInt64, error: UInt32)
    /// `fence`: a command has ended.
    case fence(UInt64, status: UInt32, payload: Payload)
    /// `reset`: every address space is forgotten.
    case reset
    /// `error`: the address space is stopped.
    case error(UInt32)
  }

  /// A line of the log.
  public struct Entry: Hashable, Sendable {
    /// Position in the total order.
    public var n: UInt64
    /// Nanoseconds of the host's clock.
    public var ns: UInt64
    /// Line of the file, from 1.
    public var line: Int
    /// 0 to 31; 255 where there is none.
    public var addressSpace: UInt8
    /// What happened.
    public var event: Event
  }

  /// A line that is not one of the log's.
  public struct WrongLine: Hashable, Sendable {
    /// Line of the file, from 1.
    public var line: Int
    /// What is wrong with it, as a phrase.
    public var reason: String
  }

  /// `addressSpace` of an entry that has none.
  public static let noAddressSpace: UInt8 = 255
  /// Wrong lines that are kept.
  static let wrongLineLimit = 20

  /// All entries, in the order of `n`.
  public internal(set) var entries: [Entry] = []
  /// Lines that could not be read; the first ones.
  public internal(set) var wrongLines: [WrongLine] = []
  /// How many there were.
  public internal(set) var wrongLineCount = 0
  /// The log was too long to be kept; what came later is missing.
  public internal(set) var isTruncated = false

  /// An empty log.
  public init() {}

  /// Reads a whole log.
  public init(log: Data) {
    var parser = AccessLogParser()
    log.withUnsafeBytes { parser.take($0) }
    self = parser.finish()
  }
}

/// The bytes from `address` on; all of them for 0 and 0.
func everything(_ address: UInt64, _ length: UInt64) -> Range<UInt64> {
  if address == 0, length == 0 { return 0..<UInt64.max }
  let (end, overflow) = address.addingReportingOverflow(length)
  return address..<(overflow ? UInt64.max : end)
}
