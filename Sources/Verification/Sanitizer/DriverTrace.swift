// SPDX-License-Identifier: Apache-2.0

import Foundation

/// What the GPU's driver did, by its tracepoints: the text of the guest's tracefs file `trace_pipe`, or
/// of `trace`.
public struct DriverTrace: Hashable, Sendable {
  /// What a page is mapped to.
  public enum Source: UInt8, Hashable, Sendable {
    /// The page cache or anonymous memory.
    case fallback
    /// Another device's BAR.
    case direct
    /// The GPU's own video memory.
    case video
  }

  /// A run of pages with contiguous frames.
  public struct Map: Hashable, Sendable {
    /// First virtual address; `address` and `frame` plus the run's bytes stay below 2^64.
    public var address: UInt64
    /// Pages of 4 KiB.
    public var pages: UInt32
    /// First bus address, or the offset in video memory.
    public var frame: UInt64
    /// The map generation, in full.
    public var generation: UInt64
    /// What the pages are.
    public var source: Source
    /// The engine may write.
    public var isWritable: Bool

    /// The virtual addresses.
    public var range: Range<UInt64> { address..<(address &+ UInt64(pages) << 12) }
  }

  /// Pages that are given back to whom they belong.
  public struct Unmap: Hashable, Sendable {
    /// First virtual address; with the run's bytes it stays below 2^64.
    public var address: UInt64
    /// Pages of 4 KiB.
    public var pages: UInt32
    /// The engine's end of the control ring: the free-running index after the last request that it has
    /// acknowledged.
    public var tail: UInt32

    /// The virtual addresses.
    public var range: Range<UInt64> { address..<(address &+ UInt64(pages) << 12) }

    /// The engine had acknowledged the request with this index.
    func acknowledges(_ index: UInt32) -> Bool { DriverTrace.isBefore(index, tail: tail) }
  }

  /// What the driver did.
  public enum Event: Hashable, Sendable {
    /// `ivgpu_bind`.
    case bind
    /// `ivgpu_unbind`; `error` is 0 if the engine has acknowledged the request with that index of the
    /// control ring, or a negative errno.
    case unbind(error: Int32, index: UInt32)
    /// `ivgpu_map`.
    case map(Map)
    /// `ivgpu_unmap`.
    case unmap(Unmap)
    /// `ivgpu_invalidate`, when it is put on the control ring.
    case invalidation(AccessLog.Invalidation)
    /// `ivgpu_fault`, when it is answered; `error` is 0 or a negative errno.
    case fault(sequence: UInt64, address: UInt64, error: Int32)
    /// `ivgpu_submit`.
    case submit(fence: UInt64, opcode: UInt32)
    /// `ivgpu_complete`.
    case complete(fence: UInt64, status: UInt32)
    /// `ivgpu_reset`.
    case reset
    /// `ivgpu_die`: the device does not even do a reset, and is given up.
    case die
  }

  /// A line of the trace.
  public struct Entry: Hashable, Sendable {
    /// Line of the file, from 1.
    public var line: Int
    /// Microseconds of the guest's trace clock; 0 when that clock counts no seconds.
    public var microseconds: UInt64
    /// The device's requester ID: bus, device and function (PCI Express Base Specification,
    /// "Transaction Descriptor").
    public var requester: UInt16
    /// 0 to 31; 255 where there is none.
    public var addressSpace: UInt8
    /// What happened.
    public var event: Event
  }

  /// Events in the order of the trace.
  public internal(set) var entries: [Entry] = []
  /// Events that the kernel says it lost.
  public internal(set) var lostEvents: UInt64 = 0
  /// Lines that start like an event of the driver and go on wrongly.
  public internal(set) var wrongLineCount = 0
  /// The first of them, from 1.
  public internal(set) var wrongLines: [Int] = []
  /// What came later is missing: it was too long to be kept, or the guest ended before it had told.
  public var isTruncated = false

  /// Every event is there.
  public var isComplete: Bool { lostEvents == 0 && wrongLineCount == 0 && !isTruncated }

  /// An empty trace.
  public init() {}

  /// The events of one device. What could not be read may be any device's.
  public func events(of requester: UInt16) -> DriverTrace {
    // One device is the rule, and a copy of millions of events is not free.
    guard entries.contains(where: { $0.requester != requester }) else { return self }
    var trace = self
    trace.entries.removeAll { $0.requester != requester }
    return trace
  }

  /// An index of a ring, which runs freely, comes before its consumer's end.
  static func isBefore(_ index: UInt32, tail: UInt32) -> Bool {
    Int32(bitPattern: tail &- index) > 0
  }

  /// Reads a whole trace.
  public init(trace: Data) {
    var parser = DriverTraceParser()
    trace.withUnsafeBytes { parser.take($0) }
    self = parser.finish()
  }
}
