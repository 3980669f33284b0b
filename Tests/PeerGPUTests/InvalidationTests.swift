// SPDX-License-Identifier: Apache-2.0

import CDeviceABI
import Foundation
import Glibc
import PeerGPU
import SimulatedDriver
import Synchronization
import Testing

@Suite struct InvalidationTests {
  @Test func theEngineKeepsAnEntryUntilItIsInvalidated() throws {
    let rig = try Rig()
    let tables = try rig.bind(0)
    tables.map(Rig.address, pages: 1, to: .bus(Rig.memoryBus), generation: 1)
    rig.pattern(at: 0, count: 4096, seed: 1)
    rig.pattern(at: 4096, count: 4096, seed: 2)
    let first = try rig.driver.run(0, .crc32c(Rig.address, length: 4096)).value
    tables.map(Rig.address, pages: 1, to: .bus(Rig.memoryBus + 4096), generation: 2)
    #expect(try rig.driver.run(0, .crc32c(Rig.address, length: 4096)).value == first)
    #expect(rig.driver.invalidate(0, Rig.address, length: 1, generation: 1))
    #expect(try rig.driver.run(0, .crc32c(Rig.address, length: 4096)).value != first)
    #expect(rig.device.counters().invalidations == 1)
  }

  @Test(
    arguments: [
      // First byte and length of the invalidation; which of pages 0 to 9 it names.
      (0, 1, 0..<1), (4095, 1, 0..<1), (4095, 2, 0..<2), (4096, 8192, 1..<3),
      (0, 1 << 40, 0..<10), (5 * 4096, UInt64.max - Rig.address - 5 * 4096 + 1, 5..<10),
    ] as [(UInt64, UInt64, Range<Int>)])
  func itNamesThePagesItTouchesAndNoOther(
    offset: UInt64, length: UInt64, pages: Range<Int>
  ) throws {
    let rig = try Rig()
    let tables = try rig.bind(0)
    tables.map(Rig.address, pages: 10, to: .bus(Rig.memoryBus), generation: 1)
    _ = try rig.driver.run(0, .crc32c(Rig.address, length: 40960))
    tables.unmap(Rig.address, pages: 10)
    #expect(rig.driver.invalidate(0, Rig.address + offset, length: length))
    rig.driver.answerFaults { _ in UInt32(EFAULT) }
    for page in 0..<10 {
      let result = try rig.driver.run(0, .crc32c(Rig.address + UInt64(page) * 4096, length: 1))
      #expect((result.status == UInt32(EFAULT)) == pages.contains(page), "page \(page)")
    }
  }

  /// Pages of a block whose frames are contiguous share an entry of the TLB.
  @Test(arguments: [64, 65, 100, 127, 190])
  func onePageEndsWhatItsBlockKeeps(page: Int) throws {
    let rig = try Rig()
    let tables = try rig.bind(0)
    let (count, size) = (256, UInt64(256 * 4096))
    let at = UInt64(page * 4096)
    tables.map(Rig.address, pages: count, to: .bus(Rig.memoryBus), generation: 1)
    memset(rig.guest.window.base, 0, rig.guest.window.size)
    for _ in 0..<2 { _ = try rig.driver.run(0, .crc32c(Rig.address, length: size)) }
    // Another frame for one page, of which the engine needn't know yet.
    tables.map(
      Rig.address + at, pages: 1, to: .bus(Rig.memoryBus + 8 << 20), generation: 2)
    memset(rig.guest.window.base + 8 << 20, 7, 4096)
    #expect(try rig.driver.run(0, .crc32c(Rig.address, length: size)).status == 0)
    #expect(rig.driver.invalidate(0, Rig.address + at, length: 4096, generation: 1))
    let target = Rig.address + 1 << 30
    tables.map(target, pages: count, to: .bus(Rig.memoryBus + 2 << 20), generation: 1)
    #expect(try rig.driver.run(0, .copy(from: Rig.address, to: target, length: size)).status == 0)
    let copied = rig.guestBytes(at: 2 << 20, count: Int(size))
    let wrong = copied.indices.filter { copied[$0] != ($0 / 4096 == page ? 7 : 0) }
    #expect(wrong.isEmpty, "\(wrong.prefix(3))")
  }

  @Test func aBlockIsNotWritableForOneOfItsPages() throws {
    let rig = try Rig()
    let tables = try rig.bind(0)
    tables.map(Rig.address, pages: 128, to: .bus(Rig.memoryBus), generation: 1)
    tables.map(
      Rig.address + 70 * 4096, pages: 1, to: .bus(Rig.memoryBus + 70 * 4096, writable: false),
      generation: 1)
    rig.driver.answerFaults { _ in UInt32(EACCES) }
    for _ in 0..<2 {
      let fill = try rig.driver.run(0, .fill(Rig.address, length: 128 * 4096, with: 3))
      #expect(fill.status == UInt32(EACCES))
      #expect(fill.bytes == 70 * 4096)
      // All of the block's pages can be read, and its first one is written already.
      #expect(try rig.driver.run(0, .crc32c(Rig.address, length: 128 * 4096)).status == 0)
    }
  }

  @Test func everythingIsAddressZeroLengthZero() throws {
    let rig = try Rig()
    let tables = try rig.bind(0)
    tables.map(Rig.address, pages: 10, to: .bus(Rig.memoryBus), generation: 1)
    _ = try rig.driver.run(0, .crc32c(Rig.address, length: 40960))
    tables.unmap(Rig.address, pages: 10)
    #expect(rig.driver.invalidate(0, 0, length: 0))
    rig.driver.answerFaults { _ in UInt32(EFAULT) }
    #expect(
      try rig.driver.run(0, .crc32c(Rig.address + 36864, length: 1)).status == UInt32(EFAULT))
  }

  @Test func anotherAddressSpaceKeepsItsEntries() throws {
    let rig = try Rig()
    for space in 0..<UInt32(2) {
      let tables = try rig.bind(space)
      tables.map(Rig.address, pages: 1, to: .bus(Rig.memoryBus), generation: 1)
      _ = try rig.driver.run(space, .crc32c(Rig.address, length: 1))
      tables.unmap(Rig.address, pages: 1)
    }
    #expect(rig.driver.invalidate(0, 0, length: 0))
    #expect(try rig.driver.run(1, .crc32c(Rig.address, length: 1)).status == 0)
  }

  /// The claim of the whole protocol: while fills run on all pages, the driver takes pages away one
  /// after the other, and what it has taken is never written again.
  @Test(arguments: 0..<3)
  func afterAcknowledgmentNoOldEntryIsUsed(round: UInt64) throws {
    let rig = try Rig(guestMemory: 16 << 20)
    let pages = 256
    let target = Mutex([UInt64](repeating: 0, count: pages))
    // Each page has two frames and changes between them.
    let frame: @Sendable (Int, UInt64) -> UInt64 = { UInt64($0) * 8192 + $1 * 4096 }
    let tables = try rig.bind(0)
    for page in 0..<pages {
      tables.map(
        Rig.address + UInt64(page) * 4096, pages: 1, to: .bus(Rig.memoryBus + frame(page, 0)),
        generation: 1)
    }
    let shared = Mutex(UncheckedTables(tables))
    rig.driver.answerFaults { fault in
      let page = Int((fault.address - Rig.address) / 4096)
      let side = target.withLock { $0[page] }
      shared.withLock {
        $0.tables.map(
          fault.address, pages: 1, to: .bus(Rig.memoryBus + frame(page, side)), generation: 1)
      }
      return 0
    }
    let load = Thread { [driver = rig.driver] in
      for value in 0..<600 {
        let fill = crossbar_gpu_command.fill(
          Rig.address, length: UInt64(pages * 4096), with: UInt64(value) | 1)
        guard driver.wait(0, for: driver.submit(0, fill)) != nil else { return }
      }
    }
    load.start()
    var generator = SystemRandomNumberGenerator()
    var violations = 0
    for _ in 0..<300 {
      let page = Int.random(in: 0..<pages, using: &generator)
      let address = Rig.address + UInt64(page) * 4096
      let old = target.withLock { sides in
        sides[page] ^= 1
        return frame(page, sides[page] ^ 1)
      }
      shared.withLock { $0.tables.unmap(address, pages: 1) }
      guard rig.driver.invalidate(0, address, length: 4096) else { break }
      // The fault handler may have mapped the old frame before it saw the new side: once more.
      shared.withLock { $0.tables.unmap(address, pages: 1) }
      #expect(rig.driver.invalidate(0, address, length: 4096))
      memset(rig.guest.window.base + Int(old), 0, 4096)
      usleep(300)
      if rig.guestBytes(at: Int(old), count: 4096).contains(where: { $0 != 0 }) { violations += 1 }
    }
    while !load.isFinished { usleep(1000) }
    #expect(violations == 0)
    #expect(rig.device.counters().faults > 0)
  }
}
