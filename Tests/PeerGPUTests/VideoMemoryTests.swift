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
    #expect(control.aperture_offset == 2 << 20)
    #expect(control.aperture_offset + control.aperture_size == control.memory_size)
  }

  @Test func anotherDescriptorSeesTheSameBytes() throws {
    let memory = try VideoMemory(size: 4 << 20)
    let descriptor = open(memory.path, O_RDWR)
    try #require(descriptor >= 0)
    defer { close(descriptor) }
    var bytes: [UInt8] = [1, 2, 3, 4]
    #expect(pwrite(descriptor, &bytes, 4, 3 << 20) == 4)
    #expect(try memory.read(at: 3 << 20, count: 4) == bytes)
    try memory.write([9], at: 3 << 20)
    #expect(pread(descriptor, &bytes, 1, 3 << 20) == 1)
    #expect(bytes[0] == 9)
  }

  @Test(arguments: [0, 1 << 20, (4 << 20) + 1, 3 << 21] as [UInt64])
  func sizesThatNoBarHasAreRefused(size: UInt64) {
    #expect(throws: VideoMemoryError.size(size)) { try VideoMemory(size: size) }
  }

  @Test(arguments: [
    (-1, 1), (0, -1), (4 << 20, 1), ((4 << 20) - 1, 2), (Int.max, 1), (1, Int.max),
  ])
  func rangesOutsideAreRefused(offset: Int, count: Int) throws {
    let memory = try VideoMemory(size: 4 << 20)
    #expect(throws: VideoMemoryError.self) { try memory.read(at: offset, count: count) }
  }
}
