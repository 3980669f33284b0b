// SPDX-License-Identifier: Apache-2.0

import CDeviceABI
import Glibc
import PeerGPU
import Testing

@Suite struct VideoMemoryTests {
  @Test func controlPageTellsTheDriverWhereTheApertureIs() throws {
    let memory = try VideoMemory(size: 16 << 20)
    let page = try memory.read(at: 0, count: MemoryLayout<crossbar_gpu_control>.size)
    let control = page.withUnsafeBytes { $0.loadUnaligned(as: crossbar_gpu_control.self) }
    #expect(Array(page.prefix(8)) == Array("XBAR-GPU".utf8))
    #expect(control.abi_version == CROSSBAR_GPU_ABI_VERSION)
    #expect(control.memory_size == 16 << 20)
    #expect(control.heap_offset == 2 << 20)
    #expect(control.heap_size == 6 << 20)
    #expect(control.aperture_offset == 8 << 20)
    #expect(control.aperture_offset + control.aperture_size == control.memory_size)
  }

  @Test func anotherDescriptorSeesTheSameBytes() throws {
    let memory = try VideoMemory(size: 8 << 20)
    let descriptor = open(memory.path, O_RDWR)
    try #require(descriptor >= 0)
    defer { close(descriptor) }
    var bytes: [UInt8] = [1, 2, 3, 4]
    #expect(pwrite(descriptor, &bytes, 4, 5 << 20) == 4)
    #expect(try memory.read(at: 5 << 20, count: 4) == bytes)
    try memory.write([9], at: 5 << 20)
    #expect(pread(descriptor, &bytes, 1, 5 << 20) == 1)
    #expect(bytes[0] == 9)
  }

  @Test(arguments: [0, 4 << 20, (8 << 20) + 1, 3 << 23] as [UInt64])
  func sizesThatNoBarHasAreRefused(size: UInt64) {
    #expect(throws: VideoMemoryError.size(size)) { try VideoMemory(size: size) }
  }

  @Test func nothingOfTheControlPageOverlaps() throws {
    let memory = try VideoMemory(size: 8 << 20)
    let page = try memory.read(at: 0, count: MemoryLayout<crossbar_gpu_control>.size)
    let control = page.withUnsafeBytes { $0.loadUnaligned(as: crossbar_gpu_control.self) }
    let parts = [
      (0, MemoryLayout<crossbar_gpu_control>.size),
      (Int(control.control_ring), Int(CROSSBAR_GPU_CONTROL_ENTRIES) * 64),
      (Int(control.fault_ring), Int(CROSSBAR_GPU_FAULT_ENTRIES) * 64),
      (Int(control.command_ring), Int(CROSSBAR_GPU_COMMAND_ENTRIES) * 64),
      (Int(control.fences), Int(CROSSBAR_GPU_ADDRESS_SPACES) * 64),
      (Int(control.results), Int(CROSSBAR_GPU_ADDRESS_SPACES * CROSSBAR_GPU_DEPTH) * 32),
      (Int(control.heap_offset), 0),
    ].sorted { $0.0 < $1.0 }
    for (one, next) in zip(parts, parts.dropFirst()) { #expect(one.0 + one.1 <= next.0) }
  }

  @Test(arguments: [
    (-1, 1), (0, -1), (8 << 20, 1), ((8 << 20) - 1, 2), (Int.max, 1), (1, Int.max),
  ])
  func rangesOutsideAreRefused(offset: Int, count: Int) throws {
    let memory = try VideoMemory(size: 8 << 20)
    #expect(throws: VideoMemoryError.self) { try memory.read(at: offset, count: count) }
  }
}
