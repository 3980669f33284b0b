// SPDX-License-Identifier: Apache-2.0

import CDeviceABI
import Foundation
import Glibc
import PeerGPU
import SimulatedDriver
import Synchronization
import Testing

@Suite struct FaultTests {
  @Test func aFaultSaysWhatTheCommandNeeds() throws {
    let rig = try Rig()
    let tables = try rig.bind(3)
    tables.map(Rig.address, pages: 2, to: .bus(Rig.memoryBus), generation: 1)
    let fence = rig.driver.submit(3, .fill(Rig.address + 100, length: 20_000, with: 1))
    #expect(rig.driver.waitForInterrupt(CROSSBAR_GPU_IRQ_FAULT))
    let fault = try #require(rig.driver.takeFaults().first)
    #expect(fault.sequence != 0)
    #expect(fault.address_space == 3)
    #expect(fault.address == Rig.address + 8192)
    #expect(fault.length == 20_000 - (8192 - 100))
    #expect(fault.fence == fence)
    #expect(fault.access == CROSSBAR_GPU_WRITE.rawValue)
    #expect(fault.reason == CROSSBAR_GPU_NOT_PRESENT.rawValue)
    tables.map(Rig.address + 8192, pages: 3, to: .bus(Rig.memoryBus + 8192), generation: 1)
    rig.driver.reply(3, sequence: fault.sequence, error: 0)
    let result = try #require(rig.driver.wait(3, for: fence))
    #expect(result.status == 0)
    #expect(result.faults == 1)
    #expect(result.bytes == 20_000)
  }

  /// From the page's first byte to the range's last, of the range that lacks the page.
  @Test func theHintReachesToTheEndOfTheRange() throws {
    let rig = try Rig()
    let tables = try rig.bind(0)
    let (source, target) = (Rig.address + 100, Rig.address + 1 << 30 + 4095)
    tables.map(Rig.address, pages: 2, to: .bus(Rig.memoryBus), generation: 1)
    let seen = Mutex<[crossbar_gpu_fault]>([])
    rig.driver.answerFaults { fault in
      seen.withLock { $0.append(fault) }
      return UInt32(EFAULT)
    }
    _ = try rig.driver.run(0, .compare(source, target, length: 2))
    _ = try rig.driver.run(0, .copy(from: source, to: target, length: 2))
    _ = try rig.driver.run(0, .copy(from: target, to: source, length: 2))
    let faults = seen.withLock { $0 }
    #expect(faults.map(\.address) == Array(repeating: target & ~4095, count: 3))
    #expect(faults.map(\.length) == [4097, 4097, 4097])
    #expect(faults.map(\.access) == [0, 1, 0])
  }

  @Test func theDriversErrorEndsTheCommandAndTheNextOneRuns() throws {
    let rig = try Rig()
    let tables = try rig.bind(0)
    tables.map(Rig.address, pages: 1, to: .bus(Rig.memoryBus), generation: 1)
    rig.driver.answerFaults { _ in UInt32(EFAULT) }
    let result = try rig.driver.run(0, .crc32c(Rig.address, length: 5000))
    #expect(result.status == UInt32(EFAULT))
    #expect(result.bytes == 4096)
    #expect(result.faults == 1)
    #expect(try rig.driver.run(0, .crc32c(Rig.address, length: 4096)).status == 0)
  }

  @Test func missingPermissionsAreNamed() throws {
    let rig = try Rig()
    let tables = try rig.bind(0)
    tables.map(
      Rig.address, pages: 1, to: .bus(Rig.memoryBus, writable: false, atomic: false), generation: 1)
    tables.map(
      Rig.address + 4096, pages: 1, to: .bus(Rig.memoryBus, atomic: false), generation: 1)
    let seen = Mutex<[crossbar_gpu_fault]>([])
    rig.driver.answerFaults { fault in
      seen.withLock { $0.append(fault) }
      return UInt32(EACCES)
    }
    let add = CROSSBAR_GPU_ATOMIC_ADD
    #expect(try rig.driver.run(0, .crc32c(Rig.address, length: 8)).status == 0)
    #expect(try rig.driver.run(0, .fill(Rig.address, length: 8, with: 0)).status == UInt32(EACCES))
    #expect(try rig.driver.run(0, .atomic(add, Rig.address, 1)).status == UInt32(EACCES))
    #expect(try rig.driver.run(0, .atomic(add, Rig.address + 4096, 1)).status == UInt32(EACCES))
    #expect(try rig.driver.run(0, .fill(Rig.address + 4096, length: 8, with: 0)).status == 0)
    let faults = seen.withLock { $0 }
    #expect(faults.count == 3)
    #expect(faults.allSatisfy { $0.reason == CROSSBAR_GPU_NOT_PERMITTED.rawValue })
    let (write, atomic) = (CROSSBAR_GPU_WRITE.rawValue, CROSSBAR_GPU_ATOMIC_ACCESS.rawValue)
    #expect(faults.map(\.access) == [write, atomic, atomic])
  }

  @Test func demandPagingFillsPageByPage() throws {
    let rig = try Rig()
    let tables = try rig.bind(0)
    let bytes = rig.pattern(at: 0, count: 64 * 4096, seed: 4)
    let table = Mutex(UncheckedTables(tables))
    // Every other page is there already, on frames in reverse order.
    let place: @Sendable (UInt64) -> UInt64 = { 4096 * (63 - ($0 - Rig.address) >> 12) }
    for page in stride(from: 0, to: 64, by: 2) {
      let address = Rig.address + UInt64(page) * 4096
      tables.map(address, pages: 1, to: .bus(Rig.memoryBus + place(address)), generation: 1)
    }
    rig.driver.answerFaults { fault in
      let target = PageTarget.bus(Rig.memoryBus + place(fault.address))
      table.withLock { $0.tables.map(fault.address, pages: 1, to: target, generation: 1) }
      return 0
    }
    let heap = rig.driver.allocate(64 * 4096)
    tables.map(Rig.address + 1 << 30, pages: 64, to: .video(heap), generation: 1)
    let result = try rig.driver.run(
      0, .copy(from: Rig.address, to: Rig.address + 1 << 30, length: 64 * 4096))
    #expect(result.status == 0)
    #expect(result.faults == 32)
    let expected = (0..<64).flatMap { bytes[(63 - $0) * 4096..<(64 - $0) * 4096] }
    #expect(rig.videoBytes(at: heap, count: 64 * 4096) == expected)
    #expect(rig.device.counters().faults == 32)
  }

  @Test func oneAddressSpaceWaitsAndTheOthersGoOn() throws {
    let rig = try Rig()
    _ = try rig.bind(0)
    let waiting = rig.driver.submit(0, .crc32c(Rig.address, length: 1))
    #expect(rig.driver.waitForInterrupt(CROSSBAR_GPU_IRQ_FAULT))
    for space in 1..<UInt32(CROSSBAR_GPU_ADDRESS_SPACES) {
      let tables = try rig.bind(space)
      tables.map(Rig.address, pages: 1, to: .bus(Rig.memoryBus), generation: 1)
      #expect(try rig.driver.run(space, .crc32c(Rig.address, length: 4096)).status == 0)
    }
    #expect(rig.driver.completed(0) < waiting)
    #expect(rig.driver.invalidate(0, 0, length: 0))
    let fault = try #require(rig.driver.takeFaults().first)
    rig.driver.reply(0, sequence: fault.sequence, error: UInt32(EFAULT))
    #expect(rig.driver.wait(0, for: waiting)?.status == UInt32(EFAULT))
  }

  /// The ring holds 64 entries: the guest does not take them, address spaces come and go.
  @Test func aFullFaultRingWaitsForTheGuest() throws {
    let rig = try Rig()
    for _ in 0..<CROSSBAR_GPU_FAULT_ENTRIES {
      _ = try rig.bind(0)
      let before = rig.driver.load(\.fault_head.value)
      rig.driver.submit(0, .crc32c(Rig.address, length: 1))
      #expect(rig.driver.wait { rig.driver.load(\.fault_head.value) != before })
      #expect(rig.driver.unbind(0))
    }
    let tables = try rig.bind(0)
    let fence = rig.driver.submit(0, .crc32c(Rig.address, length: 1))
    usleep(20_000)
    #expect(rig.driver.load(\.fault_head.value) == CROSSBAR_GPU_FAULT_ENTRIES)
    tables.map(Rig.address, pages: 1, to: .bus(Rig.memoryBus), generation: 1)
    #expect(rig.driver.takeFaults().count == Int(CROSSBAR_GPU_FAULT_ENTRIES))
    #expect(rig.driver.wait { rig.driver.load(\.fault_head.value) > CROSSBAR_GPU_FAULT_ENTRIES })
    let fault = try #require(rig.driver.takeFaults().first)
    rig.driver.reply(0, sequence: fault.sequence, error: 0)
    #expect(rig.driver.wait(0, for: fence)?.status == 0)
  }
}

/// Page tables that a lock guards.
struct UncheckedTables: @unchecked Sendable {
  let tables: PageTables

  init(_ tables: PageTables) { self.tables = tables }
}
