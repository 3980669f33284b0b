// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// What the engine has done since it was started.
public struct GPUCounters: Sendable, Codable, Equatable {
  /// Bytes that DMAs moved, by port.
  public struct PortBytes: Sendable, Codable, Equatable {
    /// Bytes read.
    public var read: UInt64 = 0
    /// Bytes written; atomics count in both.
    public var written: UInt64 = 0
  }

  /// Commands that ended.
  public var commands: UInt64 = 0
  /// Page faults raised.
  public var faults: UInt64 = 0
  /// Interrupts sent to the guest.
  public var interrupts: UInt64 = 0
  /// Doorbells that the guest rang.
  public var doorbells: UInt64 = 0
  /// Invalidations acknowledged.
  public var invalidations: UInt64 = 0
  /// Resets done.
  public var resets: UInt64 = 0
  /// Bad entries that stopped an address space or were dropped.
  public var errors: UInt64 = 0
  /// Bytes by the port's name in the access log (``DMAPortKind``).
  public var bytes: [String: PortBytes] = [:]
  /// Number of the access log's last line.
  public var lastLogNumber: UInt64 = 0
  /// Bytes of memory that the access log's lines take up which are not written yet.
  public var heldByLog: UInt64 = 0
}

/// Counters that all threads add to.
final class Statistics: Sendable {
  let commands = Atomic<UInt64>(0)
  let faults = Atomic<UInt64>(0)
  let interrupts = Atomic<UInt64>(0)
  let doorbells = Atomic<UInt64>(0)
  let invalidations = Atomic<UInt64>(0)
  let resets = Atomic<UInt64>(0)
  let errors = Atomic<UInt64>(0)
  private let bytes = Mutex([GPUCounters.PortBytes](repeating: .init(), count: 5))

  func count(_ accesses: [Access], _ kind: AccessKind) {
    bytes.withLock { bytes in
      for access in accesses {
        let length = UInt64(truncatingIfNeeded: access.length)
        if kind != .write { bytes[access.kind.index].read &+= length }
        if kind != .read { bytes[access.kind.index].written &+= length }
      }
    }
  }

  func snapshot(lastLogNumber: UInt64) -> GPUCounters {
    let bytes = bytes.withLock { $0 }
    let named = DMAPortKind.allCases.map { ($0.rawValue, bytes[$0.index]) }
    return GPUCounters(
      commands: commands.load(ordering: .relaxed), faults: faults.load(ordering: .relaxed),
      interrupts: interrupts.load(ordering: .relaxed),
      doorbells: doorbells.load(ordering: .relaxed),
      invalidations: invalidations.load(ordering: .relaxed),
      resets: resets.load(ordering: .relaxed), errors: errors.load(ordering: .relaxed),
      bytes: Dictionary(uniqueKeysWithValues: named), lastLogNumber: lastLogNumber)
  }
}

extension Atomic where Value == UInt64 {
  func increment(by count: UInt64 = 1) {
    wrappingAdd(count, ordering: .relaxed)
  }
}

extension DMAPortKind {
  fileprivate var index: Int {
    switch self {
    case .video: 0
    case .memory: 1
    case .bar: 2
    case .bus: 3
    case .none: 4
    }
  }
}
