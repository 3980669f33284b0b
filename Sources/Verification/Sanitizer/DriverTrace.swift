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

  /// What the driver did.
  public enum Event: Hashable, Sendable {
    /// `ivgpu_bind`.
    case bind
    /// `ivgpu_unbind`.
    case unbind
    /// `ivgpu_map`.
    case map(Map)
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
  }

  /// A line of the trace.
  public struct Entry: Hashable, Sendable {
    /// Line of the file, from 1.
    public var line: Int
    /// Microseconds of the guest's trace clock; 0 when that clock counts no seconds.
    public var microseconds: UInt64
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

  /// Reads a whole trace.
  public init(trace: Data) {
    var parser = DriverTraceParser()
    trace.withUnsafeBytes { parser.take($0) }
    self = parser.finish()
  }
}
