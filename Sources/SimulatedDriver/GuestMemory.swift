// SPDX-License-Identifier: Apache-2.0

import CPeerGPU
import Glibc
import PeerGPU

/// A guest's system memory without a guest: a file in memory, mapped between forbidden pages.
public final class GuestMemory: Sendable {
  /// Bytes.
  public let size: Int
  /// The file, for a ``MappedPort``.
  public let descriptor: CInt
  private let mapping: SharedMapping

  /// Zeroed memory of `size` bytes, a multiple of the page size.
  public init(size: Int) throws {
    let descriptor = crossbar_memfd("guest-memory")
    guard descriptor >= 0, ftruncate(descriptor, size) == 0,
      let mapping = SharedMapping(descriptor: descriptor, offset: 0, count: size)
    else {
      let code = errno
      if descriptor >= 0 { close(descriptor) }
      throw DriverError("no memory for a guest: \(code)")
    }
    self.size = size
    self.descriptor = descriptor
    self.mapping = mapping
  }

  deinit { close(descriptor) }

  /// The bytes. Valid while this object lives.
  public var window: SharedWindow { mapping.window }

  /// A port that serves all of it from bus address `bus` on.
  public func port(at bus: UInt64, kind: DMAPortKind = .memory) throws -> MappedPort {
    try MappedPort(
      kind: kind, descriptor: descriptor,
      regions: [FileRegion(bus: bus, offset: 0, size: UInt64(size))])
  }
}

/// What went wrong for the simulated driver.
public struct DriverError: Error, CustomStringConvertible {
  /// A sentence or less.
  public let description: String

  /// An error that reads so.
  public init(_ description: String) { self.description = description }
}
