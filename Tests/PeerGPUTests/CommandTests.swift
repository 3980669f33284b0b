// SPDX-License-Identifier: Apache-2.0

import CDeviceABI
import CPeerGPU
import Glibc
import PeerGPU
import SimulatedDriver
import Testing

/// Where the bytes of a test are.
enum Aperture: CaseIterable {
  case heap
  case peer
  case system
}

@Suite struct CommandTests {
  static let pairs = Aperture.allCases.flatMap { one in Aperture.allCases.map { (one, $0) } }
  static let generation: UInt64 = 5

  /// Maps `pages` pages of an aperture and gives the place of their first byte in this process.
  private static func map(
    _ rig: Rig, _ tables: PageTables, _ aperture: Aperture, at address: UInt64, pages: Int,
    part: Int
  ) -> UnsafeMutableRawPointer {
    let offset: UInt64
    let target: PageTarget
    let base: UnsafeMutableRawPointer
    switch aperture {
    case .heap:
      offset = rig.driver.allocate(pages * 4096)
      (target, base) = (.video(offset), rig.driver.memory.base)
    case .peer:
      offset = rig.driver.control.aperture_offset + UInt64(part * pages * 4096)
      (target, base) = (.video(offset), rig.driver.memory.base)
    case .system:
      offset = UInt64(part * pages * 4096)
      (target, base) = (.bus(Rig.memoryBus + offset), rig.guest.window.base)
    }
    tables.map(address, pages: pages, to: target, generation: generation)
    return base + Int(offset)
  }

  @Test(arguments: pairs)
  func copyMovesEveryByteAndNoOther(from: Aperture, to: Aperture) throws {
    let rig = try Rig()
    let tables = try rig.bind(1)
    let pages = 100
    let source = Self.map(rig, tables, from, at: Rig.address, pages: pages, part: 0)
    let target = Self.map(rig, tables, to, at: Rig.address + 1 << 30, pages: pages, part: 1)
    let bytes = randomBytes(pages * 4096, seed: 3)
    memcpy(source, bytes, bytes.count)
    memset(target, 0x5a, pages * 4096)
    let length = pages * 4096 - 300
    let result = try rig.driver.run(
      1,
      .copy(from: Rig.address + 101, to: Rig.address + 1 << 30 + 7, length: UInt64(length)))
    #expect(result.status == 0)
    #expect(result.bytes == UInt64(length))
    #expect(result.faults == 0)
    let found = [UInt8](UnsafeRawBufferPointer(start: target, count: pages * 4096))
    #expect(Array(found[7..<7 + length]) == Array(bytes[101..<101 + length]))
    #expect(found[..<7].allSatisfy { $0 == 0x5a })
    #expect(found[(7 + length)...].allSatisfy { $0 == 0x5a })
  }

  @Test(arguments: Aperture.allCases)
  func fillRepeatsItsPatternFromTheFirstByteOn(aperture: Aperture) throws {
    let rig = try Rig()
    let tables = try rig.bind(0)
    let target = Self.map(rig, tables, aperture, at: Rig.address, pages: 70, part: 0)
    let length = 65 * 4096 + 13
    let pattern: UInt64 = 0x0807_0605_0403_0201
    let result = try rig.driver.run(
      0, .fill(Rig.address + 3, length: UInt64(length), with: pattern))
    #expect(result.status == 0)
    let found = UnsafeRawBufferPointer(start: target + 3, count: length)
    #expect(found.enumerated().allSatisfy { Int($1) == $0 % 8 + 1 })
    #expect(target.load(fromByteOffset: 2, as: UInt8.self) == 0)
    #expect(target.load(fromByteOffset: 3 + length, as: UInt8.self) == 0)
  }

  /// Neither by its own offset nor by the bus does a page lead to what the device goes by.
  @Test(arguments: [false, true])
  func noPageLeadsToTheRings(byBus: Bool) throws {
    let rig = try Rig()
    let bus: UInt64 = 0xc000_0000
    rig.device.attach([MappedPort(videoMemory: rig.device.memory, at: bus)])
    let tables = try rig.bind(0)
    let own = UInt64(CROSSBAR_GPU_CONTROL_SIZE)
    func target(_ offset: UInt64) -> PageTarget {
      byBus ? .bus(bus + offset) : .video(offset)
    }
    let heap = rig.driver.allocate()
    tables.map(Rig.address, pages: 1, to: target(heap), generation: 1)
    let good = try rig.driver.run(0, .fill(Rig.address, length: 4096, with: 0x77))
    #expect(good.status == 0)
    #expect(rig.videoBytes(at: heap, count: 8) == [0x77, 0, 0, 0, 0, 0, 0, 0])
    for (page, offset) in [0, 4096, own - 4096].enumerated() {
      let at = Rig.address + UInt64(page + 1) * 4096
      tables.map(at, pages: 1, to: target(offset), generation: 1)
      let before = rig.videoBytes(at: offset + 2048, count: 2048)
      _ = try rig.driver.run(0, .fill(at + 2048, length: 2048, with: 0x66))
      #expect(rig.videoBytes(at: offset + 2048, count: 2048) == before)
    }
    let ports = try rig.log().filter { $0.t == "dma" }.map(\.port)
    #expect(ports == ["video", "none", "none", "none"])
  }

  @Test func fillGoesOnAcrossScatteredPages() throws {
    let rig = try Rig()
    let tables = try rig.bind(0)
    for page in 0..<UInt64(100) {
      tables.map(
        Rig.address + page * 4096, pages: 1, to: .bus(Rig.memoryBus + (99 - page) * 4096),
        generation: 1)
    }
    let pattern: UInt64 = 0x0706_0504_0302_0100
    _ = try rig.driver.run(0, .fill(Rig.address + 3, length: 100 * 4096 - 3, with: pattern))
    let found = (0..<100).flatMap { rig.guestBytes(at: (99 - $0) * 4096, count: 4096) }
    let wrong = found.enumerated().dropFirst(3).first { Int($1) != ($0 - 3) % 8 }
    #expect(wrong == nil)
  }

  @Test(arguments: Aperture.allCases, [9, 4096, 300_000])
  func checksumIsThatOfTheBytes(aperture: Aperture, length: Int) throws {
    let rig = try Rig()
    let tables = try rig.bind(0)
    let source = Self.map(rig, tables, aperture, at: Rig.address, pages: 80, part: 0)
    let bytes = length == 9 ? Array("123456789".utf8) : randomBytes(length, seed: 8)
    memcpy(source + 5, bytes, length)
    let result = try rig.driver.run(0, .crc32c(Rig.address + 5, length: UInt64(length)))
    #expect(result.value == UInt64(crossbar_crc32c_tables(0, bytes, length)))
    if length == 9 { #expect(result.value == 0xE306_9283) }
    #expect(result.bytes == UInt64(length))
  }

  @Test(arguments: [nil, 0, 63, 64, 4095, 4096, 299_999] as [Int?])
  func compareFindsTheFirstDifference(place: Int?) throws {
    let rig = try Rig()
    let tables = try rig.bind(0)
    let one = Self.map(rig, tables, .system, at: Rig.address, pages: 80, part: 0)
    let other = Self.map(rig, tables, .heap, at: Rig.address + 1 << 30, pages: 80, part: 0)
    let bytes = randomBytes(300_000, seed: 8)
    memcpy(one + 1, bytes, bytes.count)
    memcpy(other + 6, bytes, bytes.count)
    if let place {
      other.storeBytes(of: ~bytes[place], toByteOffset: 6 + place, as: UInt8.self)
    }
    let result = try rig.driver.run(
      0, .compare(Rig.address + 1, Rig.address + 1 << 30 + 6, length: 300_000))
    #expect(result.status == 0)
    #expect(result.value == UInt64(place ?? 300_000))
  }

  @Test(arguments: Aperture.allCases)
  func atomicsGiveWhatWasThereBefore(aperture: Aperture) throws {
    let rig = try Rig()
    let tables = try rig.bind(0)
    let word = Self.map(rig, tables, aperture, at: Rig.address, pages: 1, part: 0)
    word.storeBytes(of: 40, as: UInt64.self)
    let at = Rig.address
    let (add, swap, cas) = (
      CROSSBAR_GPU_ATOMIC_ADD, CROSSBAR_GPU_ATOMIC_SWAP, CROSSBAR_GPU_ATOMIC_CAS
    )
    #expect(try rig.driver.run(0, .atomic(add, at, 2)).value == 40)
    #expect(try rig.driver.run(0, .atomic(swap, at, 1 << 40)).value == 42)
    #expect(try rig.driver.run(0, .atomic(cas, at, 7, compare: 1)).value == 1 << 40)
    #expect(word.load(as: UInt64.self) == 1 << 40)
    #expect(try rig.driver.run(0, .atomic(cas, at, 7, compare: 1 << 40)).value == 1 << 40)
    #expect(word.load(as: UInt64.self) == 7)
    // Of four bytes, the neighbours stay as they are.
    word.storeBytes(of: 0xffff_ffff_ffff_ffff, as: UInt64.self)
    word.storeBytes(of: 0x1111_2222, toByteOffset: 8, as: UInt64.self)
    #expect(try rig.driver.run(0, .atomic(add, at + 4, width: 4, 1)).value == 0xffff_ffff)
    #expect(word.load(as: UInt64.self) == 0xffff_ffff)
    #expect(try rig.driver.run(0, .atomic(swap, at + 4, width: 4, 1 << 32 | 5)).value == 0)
    let equal = crossbar_gpu_command.atomic(cas, at + 4, width: 4, 6, compare: 9 << 32 | 5)
    #expect(try rig.driver.run(0, equal).value == 5)
    #expect(word.load(as: UInt64.self) == 6 << 32 | 0xffff_ffff)
    #expect(word.load(fromByteOffset: 8, as: UInt64.self) == 0x1111_2222)
  }

  @Test func whatCannotBeEndsWithEINVAL() throws {
    let rig = try Rig()
    let tables = try rig.bind(0)
    tables.map(Rig.address, pages: 1, to: .bus(Rig.memoryBus), generation: 1)
    let at = Rig.address
    let add = CROSSBAR_GPU_ATOMIC_ADD
    let commands: [crossbar_gpu_command] = [
      .atomic(add, at + 4, 1), .atomic(add, at + 2, width: 4, 1), .atomic(add, at, width: 3, 1),
      .atomic(crossbar_gpu_atomic(rawValue: 3), at, 1), .delay(CROSSBAR_GPU_DELAY_MAX + 1),
      .fill(at, length: CROSSBAR_GPU_LENGTH_MAX + 1, with: 0), .fill(at, length: .max, with: 0),
      .copy(from: at, to: .max - 5, length: 10), .crc32c(1 << 48, length: 1),
      .compare((1 << 48) - 1, at, length: 2),
    ]
    for command in commands {
      let result = try rig.driver.run(0, command)
      #expect(result.status == UInt32(EINVAL), "\(command)")
      #expect(result.bytes == 0)
    }
    #expect(rig.driver.error(0) == 0)
    #expect(try rig.driver.run(0, .crc32c(at, length: 8)).status == 0)
  }

  @Test func emptyCommandsDoNothing() throws {
    let rig = try Rig()
    _ = try rig.bind(0)
    let commands: [crossbar_gpu_command] = [
      .fenceOnly, .copy(from: 0, to: 0, length: 0), .fill(0, length: 0, with: 1),
      .crc32c(0, length: 0), .compare(0, 0, length: 0), .delay(0),
    ]
    for command in commands {
      let result = try rig.driver.run(0, command)
      #expect(result.status == 0)
      #expect(result.value == 0)
    }
  }

  @Test func delayTakesItsTime() throws {
    let rig = try Rig()
    _ = try rig.bind(0)
    let clock = ContinuousClock()
    let time = try clock.measure { _ = try rig.driver.run(0, .delay(30_000)) }
    #expect(time >= .milliseconds(30))
  }

  @Test func accessedAndDirtyTellReadsFromWrites() throws {
    let rig = try Rig()
    let tables = try rig.bind(0)
    tables.map(Rig.address, pages: 3, to: .bus(Rig.memoryBus), generation: 1)
    let (accessed, dirty) = (CROSSBAR_GPU_PTE_ACCESSED, CROSSBAR_GPU_PTE_DIRTY)
    _ = try rig.driver.run(0, .copy(from: Rig.address, to: Rig.address + 4096, length: 100))
    #expect(tables.entry(Rig.address) & (accessed | dirty) == accessed)
    #expect(tables.entry(Rig.address + 4096) & (accessed | dirty) == accessed | dirty)
    #expect(tables.entry(Rig.address + 8192) & (accessed | dirty) == 0)
    // Also where the TLB has the entry from a read.
    _ = try rig.driver.run(0, .fill(Rig.address, length: 1, with: 0))
    #expect(tables.entry(Rig.address) & dirty == dirty)
  }

  @Test func anAddressOfNobodyReadsAllOnes() throws {
    let rig = try Rig()
    let tables = try rig.bind(0)
    tables.map(Rig.address, pages: 1, to: .bus(0xdead_0000), generation: 2)
    tables.map(Rig.address + 4096, pages: 1, to: .video(1 << 40), generation: 2)
    tables.map(Rig.address + 8192, pages: 2, to: .bus(Rig.memoryBus), generation: 2)
    let result = try rig.driver.run(
      0, .copy(from: Rig.address, to: Rig.address + 8192, length: 8192))
    #expect(result.status == 0)
    #expect(rig.guestBytes(at: 0, count: 8192).allSatisfy { $0 == 0xff })
    _ = try rig.driver.run(0, .fill(Rig.address, length: 8192, with: 0))
    #expect(rig.device.counters().bytes["none"]?.read == 8192)
    #expect(rig.device.counters().bytes["none"]?.written == 8192)
    let none = try rig.log().filter { $0.port == "none" }
    #expect(none.map(\.bus) == ["0xdead0000", "0x10000000000", "0xdead0000", "0x10000000000"])
  }

  @Test func noPageTableLeadsToTheControlPage() throws {
    let rig = try Rig()
    let tables = try rig.bind(0)
    tables.map(Rig.address, pages: 512, to: .video(0), generation: 1)
    tables.map(Rig.address + 2 << 20, pages: 1, to: .video(2 << 20), generation: 1)
    let before = rig.videoBytes(at: 0, count: 128)
    #expect(try rig.driver.run(0, .fill(Rig.address, length: 2 << 20, with: 0)).status == 0)
    #expect(rig.videoBytes(at: 0, count: 128) == before)
    #expect(rig.device.counters().bytes["none"]?.written == 2 << 20)
    _ = try rig.driver.run(0, .crc32c(Rig.address + 2 << 20, length: 4096))
    #expect(rig.device.counters().bytes["video"]?.read == 4096)
  }

  @Test func beforeAttachEveryBusAddressIsNobodys() throws {
    let rig = try Rig()
    rig.device.attach([])
    let tables = try rig.bind(0)
    tables.map(Rig.address, pages: 1, to: .bus(Rig.memoryBus), generation: 2)
    let zeros = try rig.driver.run(0, .crc32c(Rig.address, length: 32))
    #expect(zeros.value == 0x62A8_AB43)
    rig.device.attach([try rig.guest.port(at: Rig.memoryBus)])
    let ones = try rig.driver.run(0, .crc32c(Rig.address, length: 32))
    #expect(ones.value == 0x8A91_36AA)
  }
}
