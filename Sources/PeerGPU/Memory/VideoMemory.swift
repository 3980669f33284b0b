// SPDX-License-Identifier: Apache-2.0

import CDeviceABI
import CPeerGPU
import Glibc

/// The GPU's video memory: anonymous shared memory that is the guest's BAR 2 and is mapped here too.
///
/// It has no name in any file system, so nothing stays behind when this process ends, however it
/// ends. QEMU opens it through ``path``, or is sent ``descriptor`` by the ivshmem server.
///
/// The bytes belong to a guest that writes them at any time, so every access copies, and no access
/// may draw conclusions from two reads of the same byte.
public final class VideoMemory: Sendable {
  /// Bytes of video memory, the size of BAR 2.
  public let size: Int
  /// The memory's open file, closed with this object.
  let descriptor: CInt
  private let mapping: SharedMapping

  /// Creates zeroed video memory and writes the control page that the guest's driver checks.
  ///
  /// - Parameter size: bytes, a power of two of at least `CROSSBAR_GPU_MEMORY_MIN` (8 MiB): the
  ///   size of a PCI BAR (PCI Local Bus 3.0, 6.2.5.1).
  public init(size: UInt64) throws(VideoMemoryError) {
    guard size >= UInt64(CROSSBAR_GPU_MEMORY_MIN), size.nonzeroBitCount == 1,
      let length = Int(exactly: size)
    else { throw .size(size) }
    // Not in /dev/shm, which a container may have little of: to touch more is a SIGBUS.
    let descriptor = crossbar_memfd("crossbar-video-memory")
    guard descriptor >= 0 else { throw .system("create", errno) }
    guard ftruncate(descriptor, length) == 0 else {
      let code = errno
      close(descriptor)
      throw .system("size", code)
    }
    guard let mapping = SharedMapping(descriptor: descriptor, offset: 0, count: length) else {
      let code = errno
      close(descriptor)
      throw .system("map", code)
    }
    self.size = length
    self.mapping = mapping
    self.descriptor = descriptor
    mapping.window.store(VideoMemoryLayout.control(size: size), at: 0)
  }

  deinit { close(descriptor) }

  /// A path by which another process of the same user opens the memory.
  public var path: String { "/proc/\(getpid())/fd/\(descriptor)" }

  /// The mapped bytes. Valid while this object lives.
  public var window: SharedWindow { mapping.window }

  /// Copies `count` bytes from `offset` of the BAR.
  ///
  /// Offset and count may come from a guest: what lies outside of the memory is refused.
  public func read(at offset: Int, count: Int) throws(VideoMemoryError) -> [UInt8] {
    try check(offset, count)
    return [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
      if count > 0, let start = buffer.baseAddress { memcpy(start, window.base + offset, count) }
      initialized = count
    }
  }

  /// Writes `bytes` from `offset` of the BAR on.
  public func write(_ bytes: [UInt8], at offset: Int) throws(VideoMemoryError) {
    try check(offset, bytes.count)
    bytes.withUnsafeBytes { source in
      if let start = source.baseAddress { memcpy(window.base + offset, start, source.count) }
    }
  }

  private func check(_ offset: Int, _ count: Int) throws(VideoMemoryError) {
    guard offset >= 0, count >= 0, offset <= size, count <= size - offset else {
      throw .outside(offset: offset, count: count, size: size)
    }
  }
}

/// Why video memory could not be had or touched.
public enum VideoMemoryError: Error, Equatable, CustomStringConvertible {
  /// The size is no power of two, or too small.
  case size(UInt64)
  /// The range does not lie in the memory.
  case outside(offset: Int, count: Int, size: Int)
  /// A system call failed: what it was to do, and `errno`.
  case system(String, CInt)

  /// What was tried, what is wrong and how to mend it.
  public var description: String {
    switch self {
    case .size(let bytes):
      """
      Video memory of \(bytes) bytes can't be a PCI BAR: give a power of two of at least \
      \(CROSSBAR_GPU_MEMORY_MIN >> 20) MiB.
      """
    case .outside(let offset, let count, let size):
      "Bytes \(offset)..+\(count) lie outside of the \(size) bytes of video memory."
    case .system(let step, let code):
      """
      Can't \(step) video memory: \(String(cString: strerror(code))). \
      Free some memory, or lower `video-memory` in the topology.
      """
    }
  }
}
