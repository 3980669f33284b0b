// SPDX-License-Identifier: Apache-2.0

import CDeviceABI
import Glibc
import PeerGPU
import SimulatedDriver
import Testing

@Suite struct BadEntryTests {
  private static func request(
    _ opcode: UInt32, _ space: UInt32, address: UInt64 = 0
  ) -> crossbar_gpu_request {
    var request = crossbar_gpu_request()
    (request.opcode, request.address_space, request.address) = (opcode, space, address)
    return request
  }

  /// Does something bad to address space 1, and expects it stopped and address space 0 unharmed.
  private static func stops(
    with error: crossbar_gpu_error, _ body: (Rig) throws -> Void
  ) throws {
    let rig = try Rig()
    let tables = try rig.bind(0)
    tables.map(Rig.address, pages: 1, to: .bus(Rig.memoryBus), generation: 1)
    _ = try rig.bind(1)
    try body(rig)
    #expect(rig.driver.wait { rig.driver.error(1) != 0 })
    #expect(rig.driver.error(1) == error.rawValue)
    #expect(rig.driver.load(\.first_error) == error.rawValue)
    #expect(rig.driver.load(\.first_error_as) == 1)
    #expect(try rig.driver.run(0, .crc32c(Rig.address, length: 100)).status == 0)
    // As good as unbound, but for the UNBIND that is due; then as new.
    let completed = rig.driver.completed(1)
    rig.driver.submit(1, .fenceOnly)
    #expect(rig.driver.invalidate(1, 0, length: 0))
    usleep(5000)
    #expect(rig.driver.completed(1) == completed)
    #expect(rig.driver.unbind(1))
    _ = try rig.bind(1)
    #expect(try rig.driver.run(1, .fenceOnly).status == 0)
    #expect(rig.device.counters().errors == 1)
    #expect(try rig.log().contains { $0.t == "error" && $0.error == error.rawValue && $0.as == 1 })
  }

  @Test func anUnknownCommand() throws {
    try Self.stops(with: CROSSBAR_GPU_BAD_OPCODE) { rig in
      var command = crossbar_gpu_command.fenceOnly
      command.opcode = 7
      rig.driver.submit(1, command)
    }
  }

  @Test(arguments: [0, 2, UInt64.max])
  func aFenceThatIsNotTheNext(fence: UInt64) throws {
    try Self.stops(with: CROSSBAR_GPU_BAD_FENCE) { rig in
      var command = crossbar_gpu_command.fenceOnly
      command.address_space = 1
      command.fence = fence
      rig.driver.post(command)
    }
  }

  @Test func moreCommandsThanTheDepth() throws {
    try Self.stops(with: CROSSBAR_GPU_TOO_MANY) { rig in
      rig.driver.submit(1, .delay(10_000_000))
      for _ in 1..<CROSSBAR_GPU_DEPTH { rig.driver.submit(1, .fenceOnly) }
      usleep(20_000)
      #expect(rig.driver.error(1) == 0)
      rig.driver.submit(1, .fenceOnly)
    }
  }

  @Test func anUnknownRequest() throws {
    try Self.stops(with: CROSSBAR_GPU_BAD_OPCODE) { $0.driver.post(Self.request(99, 1)) }
  }

  @Test func aSecondBind() throws {
    try Self.stops(with: CROSSBAR_GPU_BAD_ADDRESS_SPACE) {
      $0.driver.post(Self.request(CROSSBAR_GPU_BIND.rawValue, 1, address: 2 << 20))
    }
  }

  @Test func aReplyToNoFault() throws {
    try Self.stops(with: CROSSBAR_GPU_BAD_REPLY) {
      $0.driver.post(Self.request(CROSSBAR_GPU_FAULT_REPLY.rawValue, 1, address: 0))
    }
  }

  @Test func aReplyToAnotherFault() throws {
    try Self.stops(with: CROSSBAR_GPU_BAD_REPLY) { rig in
      rig.driver.submit(1, .crc32c(Rig.address, length: 1))
      #expect(rig.driver.waitForInterrupt(CROSSBAR_GPU_IRQ_FAULT))
      let fault = try #require(rig.driver.takeFaults().first)
      rig.driver.reply(1, sequence: fault.sequence + 1, error: 0)
    }
  }

  /// Nowhere, between pages, in the rings, or in the aperture.
  @Test(arguments: [1, 33 << 20, 4096 + 8, UInt64.max & ~4095, 0, 0x4000, 16 << 20] as [UInt64])
  func aRootOutsideOfTheHeap(root: UInt64) throws {
    try Self.stops(with: CROSSBAR_GPU_BAD_ROOT) { rig in
      #expect(rig.driver.unbind(1))
      rig.driver.bind(1, root: root)
    }
  }

  /// The command ring has words that look like entries: they are not marked as accessed.
  @Test(arguments: [0, 1, 2], [CROSSBAR_GPU_PTE_FRAME, 0x4000, 0x8000])
  func aTableOutsideOfTheHeap(level: Int, frame: UInt64) throws {
    try Self.stops(with: CROSSBAR_GPU_BAD_ROOT) { rig in
      let tables = rig.driver.pageTables()
      #expect(rig.driver.unbind(1))
      #expect(rig.driver.bind(1, root: tables.root))
      let parent = tables.table(level + 1, of: Rig.address)
      let index = Rig.address >> UInt64(12 + 9 * (level + 1)) & 511
      rig.driver.memory.base.storeBytes(
        of: frame | CROSSBAR_GPU_PTE_VALID, toByteOffset: Int(parent + index * 8),
        as: UInt64.self)
      rig.driver.submit(1, .crc32c(Rig.address, length: 1))
    }
  }

  @Test func entriesThatNameNoAddressSpaceAreDropped() throws {
    let rig = try Rig()
    _ = try rig.bind(0)
    for space in [1, 31, 32, UInt32.max] {
      var command = crossbar_gpu_command.fenceOnly
      (command.address_space, command.fence) = (space, 1)
      rig.driver.post(command)
      let index = rig.driver.post(Self.request(CROSSBAR_GPU_UNBIND.rawValue, space))
      #expect(rig.driver.waitForAcknowledgment(index))
    }
    #expect(rig.driver.wait { rig.device.counters().errors == 8 })
    #expect(rig.driver.load(\.first_error) == CROSSBAR_GPU_BAD_ADDRESS_SPACE.rawValue)
    #expect(rig.driver.load(\.first_error_as) == 1)
    #expect(try rig.driver.run(0, .fenceOnly).status == 0)
  }

  @Test func indicesThatCannotBeAreNotServed() throws {
    let rig = try Rig()
    _ = try rig.bind(0)
    let head = rig.driver.load(\.command_head.value)
    rig.driver.store(\.command_head.value, head &+ CROSSBAR_GPU_COMMAND_ENTRIES + 1)
    rig.driver.ring(CROSSBAR_GPU_BELL_COMMAND)
    #expect(
      rig.driver.wait { rig.driver.load(\.first_error) == CROSSBAR_GPU_BAD_INDEX.rawValue })
    #expect(rig.driver.load(\.command_tail.value) == head)
    rig.driver.store(\.command_head.value, head)
    let control = rig.driver.load(\.control_head.value)
    rig.driver.store(\.control_head.value, control &- 1)
    rig.driver.ring(CROSSBAR_GPU_BELL_CONTROL)
    #expect(rig.driver.wait { rig.device.counters().errors == 2 })
    rig.driver.store(\.control_head.value, control)
    #expect(try rig.driver.run(0, .fenceOnly).status == 0)
    #expect(rig.driver.invalidate(0, 0, length: 0))
  }
}
