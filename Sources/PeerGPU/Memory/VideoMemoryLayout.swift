// SPDX-License-Identifier: Apache-2.0

import CDeviceABI

/// Where the engine puts everything in video memory, as the control page tells the driver.
///
/// Rings, results and fences share the first 2 MiB with the control page; the heap goes from there
/// to the middle, the peer aperture from the middle to the end.
enum VideoMemoryLayout {
  static let controlRing: UInt64 = 0x1000
  static let faultRing: UInt64 = 0x2000
  static let commandRing: UInt64 = 0x4000
  static let fences: UInt64 = 0xc000
  static let results: UInt64 = 0x10000

  /// Where page tables are, and what programs allocate, in `size` bytes of video memory.
  static func heap(of size: UInt64) -> Range<UInt64> {
    UInt64(CROSSBAR_GPU_CONTROL_SIZE)..<max(size / 2, UInt64(CROSSBAR_GPU_CONTROL_SIZE))
  }

  /// The control page of `size` bytes of video memory, before an engine serves it.
  static func control(size: UInt64) -> crossbar_gpu_control {
    let heap = heap(of: size)
    var control = crossbar_gpu_control()
    control.magic = CROSSBAR_GPU_MAGIC
    control.abi_version = CROSSBAR_GPU_ABI_VERSION
    control.memory_size = size
    control.heap_offset = heap.lowerBound
    control.heap_size = heap.upperBound - heap.lowerBound
    control.aperture_offset = heap.upperBound
    control.aperture_size = size - heap.upperBound
    control.control_ring = UInt32(controlRing)
    control.fault_ring = UInt32(faultRing)
    control.command_ring = UInt32(commandRing)
    control.results = UInt32(results)
    control.fences = UInt32(fences)
    return control
  }

  /// Offset of an address space's `crossbar_gpu_fence`. The number is less than ADDRESS_SPACES.
  static func fence(of addressSpace: UInt32) -> UInt64 {
    fences &+ UInt64(addressSpace) &* UInt64(MemoryLayout<crossbar_gpu_fence>.stride)
  }

  /// Offset of the `crossbar_gpu_result` of an address space's fence.
  static func result(of addressSpace: UInt32, fence: UInt64) -> UInt64 {
    let depth = UInt64(CROSSBAR_GPU_DEPTH)
    let index = UInt64(addressSpace) &* depth &+ fence % depth
    return results &+ index &* UInt64(MemoryLayout<crossbar_gpu_result>.stride)
  }
}
