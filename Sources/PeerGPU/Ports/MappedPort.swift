// SPDX-License-Identifier: Apache-2.0

import CDeviceABI
import Glibc

/// A range of bus addresses whose bytes are in a file.
public struct FileRegion: Sendable, Equatable {
  /// First bus address.
  public let bus: UInt64
  /// Offset in the file, a multiple of the host's page size.
  public let offset: UInt64
  /// Bytes, a multiple of the host's page size.
  public let size: UInt64

  /// A region of `size` bytes from `bus` on, at `offset` of the file.
  public init(bus: UInt64, offset: UInt64, size: UInt64) {
    self.bus = bus
    self.offset = offset
    self.size = size
  }
}

/// Bus addresses that are memory of this process: guest RAM, or a BAR with a memory backend.
public final class MappedPort: DMAPort {
  /// What was given.
  public let kind: DMAPortKind
  /// With their mappings.
  public let regions: [BusRegion]
  /// Not 0 for video memory only.
  public let logOffset: UInt64
  private let owners: [any Sendable]

  /// Maps regions of the file at `path`, which another process shares.
  public convenience init(
    kind: DMAPortKind, path: String, regions: [FileRegion]
  ) throws(PeerGPUError) {
    let descriptor = open(path, O_RDWR | O_CLOEXEC)
    guard descriptor >= 0 else { throw PeerGPUError("open \(path)", code: errno) }
    defer { close(descriptor) }
    try self.init(kind: kind, descriptor: descriptor, regions: regions)
  }

  /// Maps regions of an open file. The descriptor is not needed afterwards.
  public init(
    kind: DMAPortKind, descriptor: CInt, regions: [FileRegion]
  ) throws(PeerGPUError) {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      throw PeerGPUError("look at the file of port \(kind)", code: errno)
    }
    let page = UInt64(sysconf(CInt(_SC_PAGESIZE)))
    let length = UInt64(max(status.st_size, 0))
    var mappings: [SharedMapping] = []
    var windows: [BusRegion] = []
    for region in regions {
      let attempt = "map \(region) of port \(kind)"
      guard region.size > 0, region.size % page == 0, region.offset % page == 0 else {
        throw PeerGPUError(attempt, problem: "offset and size have to be multiples of \(page)")
      }
      // Beyond the end of the file an access would be a SIGBUS.
      guard region.size <= length, region.offset <= length - region.size else {
        throw PeerGPUError(attempt, problem: "the file has \(length) bytes only")
      }
      guard
        let mapping = SharedMapping(
          descriptor: descriptor, offset: Int(region.offset), count: Int(region.size))
      else { throw PeerGPUError(attempt, code: errno) }
      mappings.append(mapping)
      windows.append(
        BusRegion(start: region.bus, size: region.size, window: mapping.window))
    }
    self.kind = kind
    self.regions = windows
    logOffset = 0
    owners = mappings
  }

  /// The GPU's own video memory, where the guest put BAR 2; without control page and rings, to which
  /// no page table leads by way of the bus, either.
  public init(videoMemory: VideoMemory, at bus: UInt64) {
    kind = .video
    let own = Int(CROSSBAR_GPU_CONTROL_SIZE)
    let rest = videoMemory.size - own
    regions = [
      BusRegion(
        start: bus + UInt64(own), size: UInt64(rest),
        window: SharedWindow(base: videoMemory.window.base + own, size: rest))
    ]
    logOffset = 0 &- bus
    owners = [videoMemory]
  }

  /// Reads by the mapping.
  public func read(
    _ address: UInt64, into target: UnsafeMutableRawBufferPointer
  ) throws(DMAError) {
    for region in regions where address >= region.start {
      if let window = region.window, window.read(at: address - region.start, into: target) {
        return
      }
    }
    throw DMAError("No region has \(target.count) bytes at \(address)")
  }

  /// Writes by the mapping.
  public func write(_ address: UInt64, from source: UnsafeRawBufferPointer) throws(DMAError) {
    for region in regions where address >= region.start {
      if let window = region.window, window.write(source, at: address - region.start) { return }
    }
    throw DMAError("No region has \(source.count) bytes at \(address)")
  }
}
