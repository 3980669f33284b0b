// SPDX-License-Identifier: Apache-2.0

/// What a bus address leads to, as the access log names it.
public enum DMAPortKind: String, Sendable, Codable, CaseIterable {
  /// The GPU's own video memory. The log gives offsets in it instead of bus addresses.
  case video
  /// System memory.
  case memory
  /// A BAR with a memory backend that the host maps.
  case bar
  /// Anything else, by QEMU's qtest socket.
  case bus
  /// Nothing: a master abort.
  case none
}

/// Bus addresses that a port owns.
public struct BusRegion: Sendable {
  /// First bus address.
  public let start: UInt64
  /// Bytes; `start + size` is 2^64 at most.
  public let size: UInt64
  /// The same bytes as memory of this process, if there is such a mapping: then the engine uses it
  /// directly, without the port's calls. Not smaller than the region.
  public let window: SharedWindow?

  /// A region of `size` bytes, cut at the end of the address space.
  public init(start: UInt64, size: UInt64, window: SharedWindow? = nil) {
    let room = UInt64.max - start
    let mapped = window.map { UInt64($0.size) } ?? .max
    self.start = start
    self.size = min(size, room, mapped)
    self.window = window
  }
}

/// A way to reach bus addresses. Calls come from several threads at once, and only for ranges in
/// one of the port's regions.
public protocol DMAPort: Sendable {
  /// The name in the access log.
  var kind: DMAPortKind { get }
  /// What the port owns. Asked for once, when it is attached.
  var regions: [BusRegion] { get }
  /// Added to a bus address by the access log: video memory logs offsets. Wraps around.
  var logOffset: UInt64 { get }

  /// Reads from bus address `address` on.
  func read(_ address: UInt64, into target: UnsafeMutableRawBufferPointer) throws(DMAError)
  /// Writes from bus address `address` on.
  func write(_ address: UInt64, from source: UnsafeRawBufferPointer) throws(DMAError)
}

extension DMAPort {
  /// Bus addresses are logged as they are.
  public var logOffset: UInt64 { 0 }
}

/// A DMA that failed; its command ends with EIO.
public struct DMAError: Error, CustomStringConvertible {
  /// What happened.
  public let description: String

  /// An error that reads as a sentence without its full stop.
  public init(_ description: String) { self.description = description }
}
