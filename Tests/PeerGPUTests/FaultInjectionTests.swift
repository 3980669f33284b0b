// SPDX-License-Identifier: Apache-2.0

import CDeviceABI
import Foundation
import Glibc
import PeerGPU
import SimulatedDriver
import Testing

@Suite struct FaultInjectionTests {
  /// A device with one page of system memory mapped in address space 0, and its pattern.
  private static func rig(_ text: String) throws -> (Rig, PageTables, [UInt8]) {
    let rig = try Rig(injection: FaultInjection(parsing: text))
    let tables = try rig.bind(0)
    tables.map(Rig.address, pages: 512, to: .bus(Rig.memoryBus), generation: 1)
    return (rig, tables, rig.pattern(at: 0, count: 2 << 20, seed: 6))
  }

  @Test func textFormsComeBack() throws {
    let injection = try FaultInjection(
      parsing: "tear-dma,drop-doorbell=3,late-invalidation=20,seed=9")
    #expect(injection.switches == [.tearDMA: 0, .dropDoorbell: 3, .lateInvalidation: 20])
    #expect(injection.seed == 9)
    #expect(injection.description == "drop-doorbell=3,tear-dma=0,late-invalidation=20,seed=9")
    #expect(try FaultInjection(parsing: injection.description) == injection)
    #expect(try FaultInjection(parsing: "") == .none)
    let json = try JSONEncoder().encode(injection)
    #expect(try JSONDecoder().decode(FaultInjection.self, from: json) == injection)
    #expect(String(decoding: json, as: UTF8.self).contains("\"drop-doorbell\":3"))
  }

  @Test func whatIsAddedWins() throws {
    let both = try FaultInjection(parsing: "flip-bit=2,stall=7,seed=3")
      .adding(try FaultInjection(parsing: "stall=1,hold-delay"))
    #expect(both == FaultInjection([.flipBit: 2, .stall: 1, .holdDelay: 0], seed: 3))
  }

  @Test func aSwitchThatStaysGoesOnCounting() throws {
    let (rig, _, _) = try Self.rig("fail-dma=2")
    let crc = crossbar_gpu_command.crc32c(Rig.address, length: 9)
    #expect(try rig.driver.run(0, crc).status == 0)
    rig.device.inject(FaultInjection([.failDMA: 2, .holdDelay: 0]), resuming: true)
    #expect(try rig.driver.run(0, crc).status == UInt32(EIO))
    rig.device.inject(FaultInjection([.failDMA: 2]), resuming: true)
    for _ in 0..<3 { #expect(try rig.driver.run(0, crc).status == 0) }
    // One that was off, or had another number, starts anew.
    for number in [1, 2] as [UInt64] {
      rig.device.inject(FaultInjection([.failDMA: number]), resuming: true)
      for dma in 1...3 as ClosedRange<UInt64> {
        #expect(try rig.driver.run(0, crc).status == (dma == number ? UInt32(EIO) : 0))
      }
    }
  }

  @Test(arguments: [
    ("drop-dorbell=3", "there is no `drop-dorbell`"), ("flip-bit=x", "`flip-bit=x` has no number"),
    ("delay-doorbell", "say `delay-doorbell=`"), ("seed", "there is no `seed`"),
  ])
  func wrongTextsAreNamed(text: String, problem: String) {
    let error = #expect(throws: FaultInjectionError.self) { try FaultInjection(parsing: text) }
    #expect(error?.problem.hasPrefix(problem) == true)
  }

  @Test func aDelayedDoorbellIsServedLaterAndAResetBefore() throws {
    let rig = try Rig()
    _ = try rig.bind(0)
    rig.device.inject(FaultInjection([.delayDoorbell: 100]))
    let time = try ContinuousClock().measure { _ = try rig.driver.run(0, .fenceOnly) }
    #expect(time >= .milliseconds(100))
    rig.device.inject(FaultInjection([.delayDoorbell: 60_000]))
    rig.driver.submit(0, .fenceOnly)
    usleep(10_000)
    #expect(rig.driver.reset())
    rig.device.inject(.none)
    _ = try rig.bind(0)
    #expect(try rig.driver.run(0, .fenceOnly).status == 0)
  }

  @Test func aDroppedDoorbellStaysLostUntilTheNext() throws {
    let rig = try Rig()
    _ = try rig.bind(0)
    rig.device.inject(FaultInjection([.dropDoorbell: 2]))
    _ = try rig.driver.run(0, .fenceOnly)
    let lost = rig.driver.submit(0, .fenceOnly)
    #expect(rig.driver.wait(0, for: lost, milliseconds: 300) == nil)
    rig.driver.submit(0, .fenceOnly)
    #expect(rig.driver.wait(0, for: lost) != nil)
  }

  @Test func aDelayedAcknowledgmentComesLater() throws {
    let rig = try Rig()
    _ = try rig.bind(0)
    rig.device.inject(FaultInjection([.delayAcknowledgment: 100]))
    let time = ContinuousClock().measure { _ = rig.driver.invalidate(0, 0, length: 0) }
    #expect(time >= .milliseconds(100))
    #expect(rig.driver.load(\.control_tail.value) == 2)
  }

  @Test func tornDMAsArriveWhole() throws {
    let (rig, tables, bytes) = try Self.rig("tear-dma,seed=4")
    let heap = rig.driver.allocate(2 << 20)
    tables.map(Rig.address + 1 << 30, pages: 512, to: .video(heap), generation: 1)
    let length = UInt64(1 << 20 + 77)
    let copy = crossbar_gpu_command.copy(
      from: Rig.address + 3, to: Rig.address + 1 << 30, length: length)
    #expect(try rig.driver.run(0, copy).status == 0)
    #expect(rig.videoBytes(at: heap, count: Int(length)) == Array(bytes[3..<3 + Int(length)]))
    let torn = try rig.driver.run(0, .crc32c(Rig.address + 3, length: length)).value
    rig.device.inject(.none)
    #expect(try rig.driver.run(0, .crc32c(Rig.address + 3, length: length)).value == torn)
    rig.device.inject(FaultInjection([.tearDMA: 0]))
    _ = try rig.driver.run(0, .fill(Rig.address + 5, length: length, with: 0x0706_0504_0302_0100))
    let filled = rig.guestBytes(at: 5, count: Int(length))
    #expect(filled.enumerated().allSatisfy { Int($1) == $0 % 8 })
  }

  @Test func aFailedDMAEndsItsCommandWithEIO() throws {
    let (rig, _, _) = try Self.rig("fail-dma=2")
    let crc = crossbar_gpu_command.crc32c(Rig.address, length: 1_300_000)
    let failed = try rig.driver.run(0, crc)
    #expect(failed.status == UInt32(EIO))
    #expect(failed.bytes == 1 << 20)
    #expect(try rig.driver.run(0, crc).status == 0)
  }

  @Test func aHeldDelayEndsWhenItIsLetGo() throws {
    let rig = try Rig()
    _ = try rig.bind(0)
    rig.device.inject(FaultInjection([.holdDelay: 0]))
    let held = rig.driver.submit(0, .delay(CROSSBAR_GPU_DELAY_MAX))
    let behind = rig.driver.submit(0, .fenceOnly)
    #expect(rig.driver.wait(0, for: held, milliseconds: 300) == nil)
    // Meanwhile the control ring is served.
    #expect(rig.driver.invalidate(0, 0, length: 0))
    rig.device.inject(.none)
    #expect(rig.driver.wait(0, for: behind, milliseconds: 5000)?.status == 0)
  }

  @Test func aHeldDelayEndsWithItsAddressSpace() throws {
    let rig = try Rig()
    _ = try rig.bind(0)
    rig.device.inject(FaultInjection([.holdDelay: 0]))
    let held = rig.driver.submit(0, .delay(1))
    #expect(rig.driver.wait(0, for: held, milliseconds: 50) == nil)
    #expect(rig.driver.reset())
    _ = try rig.bind(0)
    #expect(try rig.driver.run(0, .fenceOnly).status == 0)
  }

  @Test func aStalledEngineWaitsForAReset() throws {
    let (rig, _, _) = try Self.rig("stall=3")
    for _ in 0..<2 { #expect(try rig.driver.run(0, .crc32c(Rig.address, length: 9)).status == 0) }
    let fence = rig.driver.submit(0, .fenceOnly)
    #expect(rig.driver.wait(0, for: fence, milliseconds: 200) == nil)
    #expect(rig.driver.load(\.state) == CROSSBAR_GPU_STALLED.rawValue)
    let heartbeat = rig.driver.heartbeat
    var request = crossbar_gpu_request()
    request.opcode = CROSSBAR_GPU_INVALIDATE.rawValue
    let index = rig.driver.post(request)
    #expect(!rig.driver.waitForAcknowledgment(index, milliseconds: 200))
    #expect(rig.driver.heartbeat > heartbeat)
    #expect(rig.driver.reset())
    #expect(rig.driver.load(\.state) == CROSSBAR_GPU_RUNNING.rawValue)
    _ = try rig.bind(0)
    #expect(try rig.driver.run(0, .fenceOnly).status == 0)
  }

  @Test func anIgnoredInvalidationIsAcknowledgedAndTheOldEntryUsed() throws {
    let (rig, tables, _) = try Self.rig("ignore-invalidation=2")
    rig.driver.answerFaults { _ in UInt32(EFAULT) }
    for expected in [UInt32(EFAULT), 0, UInt32(EFAULT)] {
      tables.map(Rig.address, pages: 1, to: .bus(Rig.memoryBus), generation: 1)
      _ = try rig.driver.run(0, .crc32c(Rig.address, length: 9))
      tables.unmap(Rig.address, pages: 1)
      #expect(rig.driver.invalidate(0, Rig.address, length: 4096))
      #expect(try rig.driver.run(0, .crc32c(Rig.address, length: 9)).status == expected)
      rig.driver.invalidate(0, Rig.address, length: 4096)
      if expected == UInt32(EFAULT) {
        rig.device.inject(FaultInjection([.ignoreInvalidation: expected == 0 ? 9 : 1]))
      } else {
        rig.device.inject(.none)
      }
    }
    // What the sanitizer is to find: an access after the acknowledgment.
    let lines = try rig.log()
    let kinds = lines.filter { $0.t == "dma" || $0.t == "invalidate" }.map(\.t)
    #expect(
      kinds == [
        "dma", "invalidate", "invalidate", "dma", "invalidate", "dma", "invalidate", "dma",
        "invalidate", "invalidate",
      ])
  }

  @Test func aLateInvalidationTakesEffectAfterItsAcknowledgment() throws {
    let (rig, tables, _) = try Self.rig("late-invalidation=300")
    rig.driver.answerFaults { _ in UInt32(EFAULT) }
    let crc = crossbar_gpu_command.crc32c(Rig.address, length: 9)
    _ = try rig.driver.run(0, crc)
    tables.unmap(Rig.address, pages: 1)
    #expect(rig.driver.invalidate(0, Rig.address, length: 4096))
    #expect(try rig.driver.run(0, crc).status == 0)
    usleep(600_000)
    #expect(try rig.driver.run(0, crc).status == UInt32(EFAULT))
  }

  @Test func aFlippedBitIsOneBit() throws {
    let (rig, _, bytes) = try Self.rig("")
    let base = Rig.address
    for seed in 1...20 as ClosedRange<UInt64> {
      rig.device.inject(FaultInjection([.flipBit: 1 + seed % 2], seed: seed))
      _ = try rig.driver.run(0, .copy(from: base, to: base + 1 << 20, length: 40_000))
      let found = rig.guestBytes(at: 1 << 20, count: 40_000)
      let wrong = zip(found, bytes).reduce(0) { $0 + ($1.0 ^ $1.1).nonzeroBitCount }
      #expect(wrong == 1)
      rig.device.inject(FaultInjection([.flipBit: 1], seed: seed))
      _ = try rig.driver.run(0, .fill(base + 1 << 20, length: 9000, with: 0))
      let filled = rig.guestBytes(at: 1 << 20, count: 9000)
      #expect(filled.reduce(0) { $0 + $1.nonzeroBitCount } == 1)
    }
    rig.device.inject(FaultInjection([.flipBit: 1]))
    let wrong = try rig.driver.run(0, .crc32c(base, length: 40_000)).value
    let right = try rig.driver.run(0, .crc32c(base, length: 40_000)).value
    #expect((wrong ^ right).nonzeroBitCount == 1)
    rig.device.inject(FaultInjection([.flipBit: 1]))
    #expect(try rig.driver.run(0, .compare(base, base, length: 40_000)).value < 40_000)
    #expect(try rig.driver.run(0, .compare(base, base, length: 40_000)).value == 40_000)
  }

  @Test func aStrayAddressLeavesTheMap() throws {
    let (rig, _, bytes) = try Self.rig("stray-address=2")
    _ = try rig.driver.run(0, .copy(from: Rig.address, to: Rig.address + 1 << 20, length: 4096))
    #expect(rig.guestBytes(at: 1 << 20, count: 4096) == Array(bytes[1 << 20..<(1 << 20) + 4096]))
    let lines = try rig.log().filter { $0.t == "dma" }
    #expect(lines.map(\.port) == ["memory", "none"])
    #expect(lines.last?.bus == "0x4000100100000")
  }

  @Test func aLostFenceIsNeverSignalledNorLogged() throws {
    let (rig, _, _) = try Self.rig("lose-fence=1")
    let fence = rig.driver.submit(0, .crc32c(Rig.address, length: 9))
    #expect(rig.driver.wait(0, for: fence, milliseconds: 200) == nil)
    #expect(try rig.driver.run(0, .fenceOnly).fence == 2)
    #expect(try rig.log().filter { $0.t == "fence" }.map(\.fence) == [2])
  }

  @Test func aWrongPathIsNamedInTheLog() throws {
    let (rig, _, _) = try Self.rig("wrong-path=1")
    for _ in 0..<2 { _ = try rig.driver.run(0, .crc32c(Rig.address, length: 9)) }
    #expect(try rig.log().compactMap(\.port) == ["bar", "memory"])
  }

  /// A bus on which everything can be reached, as QEMU's is.
  private struct Bus: DMAPort {
    let kind = DMAPortKind.bus
    let regions = [BusRegion(start: 1 << 40, size: 4096)]
    let guest: SharedWindow

    func read(
      _ address: UInt64, into target: UnsafeMutableRawBufferPointer
    ) throws(DMAError) {
      guard let base = target.baseAddress else { return }
      memcpy(base, guest.base + Int(address - Rig.memoryBus), target.count)
    }

    func write(_ address: UInt64, from source: UnsafeRawBufferPointer) throws(DMAError) {
      guard let base = source.baseAddress else { return }
      memcpy(guest.base + Int(address - Rig.memoryBus), base, source.count)
    }
  }

  @Test func aWrongPathIsTakenAndHasTheSameBytes() throws {
    let (rig, _, bytes) = try Self.rig("wrong-path=0")
    rig.device.attach([
      try rig.guest.port(at: Rig.memoryBus), Bus(guest: rig.guest.window),
    ])
    _ = try rig.driver.run(
      0, .copy(from: Rig.address + 3, to: Rig.address + (1 << 20), length: 5000))
    #expect(rig.guestBytes(at: 1 << 20, count: 5000) == Array(bytes[3..<5003]))
    let before = try rig.driver.run(0, .atomic(CROSSBAR_GPU_ATOMIC_ADD, Rig.address, 1)).value
    #expect(UInt8(truncatingIfNeeded: before) == bytes[0])
    #expect(rig.guestBytes(at: 0, count: 1) == [bytes[0] &+ 1])
    #expect(Set(try rig.log().compactMap(\.port)) == ["bus"])
    #expect(rig.device.counters().bytes["memory"]?.read == 0)
  }
}
