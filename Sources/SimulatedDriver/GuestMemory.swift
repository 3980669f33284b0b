// SPDX-License-Identifier: Apache-2.0

import CPeerGPU
import Glibc
import PeerGPU

/// A guest's system memory without a guest: a file in memory, mapped between forbidden pages.
public final class GuestMemory: @unchecked Sendable {
  /// Bytes.
  public let size: Int
  /// The file, for a ``MappedPort``.
  public let descriptor: CInt
  /// The bytes.
  public let window: SharedWindow

  /// Zeroed memory of `size` bytes, a multiple of the page size.
  public init(size: Int) throws {
    let page = Int(sysconf(CInt(_SC_PAGESIZE)))
    descriptor = crossbar_memfd("guest-memory")
    self.size = size
    guard descriptor >= 0, ftruncate(descriptor, size) == 0,
      let around = mmap(nil, size + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
      around != MAP_FAILED,
      let base = mmap(
        around + page, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, descriptor, 0),
      base != MAP_FAILED
    else { throw DriverError("no memory for a guest: \(errno)") }
    window = SharedWindow(base: base, size: size)
  }

  deinit {
    let page = Int(sysconf(CInt(_SC_PAGESIZE)))
    munmap(window.base - page, size + 2 * page)
    close(descriptor)
  }

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
