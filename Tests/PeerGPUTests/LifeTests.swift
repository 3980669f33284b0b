// SPDX-License-Identifier: Apache-2.0

import CDeviceABI
import Foundation
import Glibc
import PeerGPU
import SimulatedDriver
import Testing

@Suite struct LifeTests {
  @Test func theEngineSaysThatItLives() throws {
    let rig = try Rig()
    #expect(rig.driver.wait { rig.driver.load(\.state) == CROSSBAR_GPU_RUNNING.rawValue })
    let before = rig.driver.heartbeat
    usleep(500_000)
    #expect(rig.driver.heartbeat >= before + 5)
    rig.device.stop()
    #expect(rig.driver.load(\.state) == CROSSBAR_GPU_STOPPED.rawValue)
    let last = rig.driver.heartbeat
    usleep(150_000)
    #expect(rig.driver.heartbeat == last)
  }

  @Test func stopEndsCommandsOfAllKinds() throws {
    let rig = try Rig()
    for space in 0..<UInt32(3) { _ = try rig.bind(space) }
    rig.driver.submit(0, .delay(10_000_000))
    rig.driver.submit(1, .crc32c(Rig.address, length: 1))
    let time = ContinuousClock().measure { rig.device.stop() }
    #expect(time < .seconds(2))
    #expect(rig.driver.completed(0) == 0)
  }

  @Test func bindClearsTheFence() throws {
    let rig = try Rig()
    _ = try rig.bind(7)
    _ = try rig.driver.run(7, .fenceOnly)
    #expect(rig.driver.completed(7) == 1)
    #expect(rig.driver.unbind(7))
    _ = try rig.bind(7)
    #expect(rig.driver.completed(7) == 0)
    #expect(try rig.driver.run(7, .fenceOnly).fence == 1)
  }

  @Test(arguments: [false, true])
  func afterUnbindNothingIsTouched(waitsForFault: Bool) throws {
    let rig = try Rig(guestMemory: 32 << 20)
    let tables = try rig.bind(2)
    let size = 32 << 20
    tables.map(
      Rig.address, pages: waitsForFault ? 100 : size / 4096, to: .bus(Rig.memoryBus), generation: 1)
    for round in 1...100 {
      rig.driver.submit(2, .fill(Rig.address, length: UInt64(size), with: UInt64(round)))
    }
    if waitsForFault { #expect(rig.driver.waitForInterrupt(CROSSBAR_GPU_IRQ_FAULT)) }
    #expect(rig.driver.unbind(2))
    let fence = rig.driver.completed(2)
    memset(rig.guest.window.base, 0xEE, size)
    usleep(30_000)
    #expect(rig.guestHolds(0xEE, count: size))
    #expect(rig.driver.completed(2) == fence)
    #expect(fence < 100)
    _ = try rig.bind(2)
    #expect(try rig.driver.run(2, .fenceOnly).status == 0)
  }

  @Test func afterResetNothingIsTouchedAndEverythingIsEmpty() throws {
    let rig = try Rig(guestMemory: 32 << 20)
    let size = 32 << 20
    for round in 1...5 {
      for space in 0..<UInt32(4) {
        let tables = try rig.bind(space)
        let pages = space == 3 ? 10 : size / 4096
        tables.map(Rig.address, pages: pages, to: .bus(Rig.memoryBus), generation: 1)
        for _ in 0..<20 {
          rig.driver.submit(space, .fill(Rig.address, length: UInt64(size), with: 1))
        }
      }
      usleep(3000)
      #expect(rig.driver.reset())
      memset(rig.guest.window.base, 0xEE, size)
      let fences = (0..<UInt32(4)).map { rig.driver.completed($0) }
      usleep(20_000)
      #expect(rig.guestHolds(0xEE, count: size))
      #expect((0..<UInt32(4)).map { rig.driver.completed($0) } == fences)
      #expect(rig.driver.load(\.command_head.value) == rig.driver.load(\.command_tail.value))
      #expect(rig.driver.load(\.control_head.value) == rig.driver.load(\.control_tail.value))
      #expect(rig.driver.load(\.fault_head.value) == rig.driver.load(\.fault_tail.value))
      #expect(rig.driver.load(\.first_error) == 0)
      #expect(rig.device.counters().resets == UInt64(round))
    }
  }

  @Test func commandsOfAnAddressSpaceRunInOrder() throws {
    let rig = try Rig()
    let tables = try rig.bind(0)
    tables.map(Rig.address, pages: 2, to: .bus(Rig.memoryBus), generation: 1)
    for round in 0..<200 {
      rig.driver.submit(0, .fill(Rig.address, length: 4096, with: UInt64(round)), ring: false)
    }
    let last = rig.driver.submit(0, .crc32c(Rig.address, length: 8))
    let result = try #require(rig.driver.wait(0, for: last))
    let fresh = try rig.driver.run(0, .crc32c(Rig.address, length: 8))
    #expect(result.value == fresh.value)
    #expect(rig.guestBytes(at: 0, count: 8) == [199, 0, 0, 0, 0, 0, 0, 0])
    #expect(rig.device.counters().commands == 202)
  }

  @Test func addressSpacesRunSideBySide() throws {
    let rig = try Rig()
    for space in 0..<UInt32(8) { _ = try rig.bind(space) }
    let time = try ContinuousClock().measure {
      let fences = (0..<UInt32(8)).map { rig.driver.submit($0, .delay(200_000)) }
      for space in 0..<UInt32(8) {
        _ = try #require(rig.driver.wait(space, for: fences[Int(space)]))
      }
    }
    #expect(time < .milliseconds(800))
  }
}
