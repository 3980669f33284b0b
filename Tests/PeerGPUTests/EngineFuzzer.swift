// SPDX-License-Identifier: Apache-2.0

import CDeviceABI
import CPeerGPU
import Foundation
import Glibc
import PeerGPU
import SimulatedDriver
import Testing

/// A guest that means harm: writes anything to the control page, rings and page tables, while one
/// of its address spaces does good work; and once more with nothing that is sacred to it.
///
/// `CROSSBAR_FUZZ_SECONDS` says how long (30, and a third of it for the second part).
/// `CROSSBAR_FUZZ_SEED` starts the same sequence of random numbers; how many of them faults and
/// resets take depends on the engine. Windows lie between pages that nobody may touch, so an access
/// outside ends the process.
@Suite(.serialized) struct EngineFuzzer {
  /// The address space that does good work. The others are the fuzzer's.
  private static let good: UInt32 = 31
  /// Where the GPU's own BAR is on the bus.
  fileprivate static let videoBus: UInt64 = 0xc000_0000

  private let seconds: Double
  private let seed: UInt64
  private let rig: Rig

  init() throws {
    let environment = ProcessInfo.processInfo.environment
    seconds = environment["CROSSBAR_FUZZ_SECONDS"].flatMap(Double.init) ?? 30
    seed = environment["CROSSBAR_FUZZ_SEED"].flatMap { UInt64($0) } ?? .random(in: 0 ... .max)
    rig = try Rig(
      videoMemory: 8 << 20, guestMemory: 4 << 20, logLimit: 1 << 20, digestsPayload: seed % 2 == 0)
    // The lower half of system memory is the fuzzer's, the upper half is the good one's.
    rig.device.attach([
      MappedPort(videoMemory: rig.device.memory, at: Self.videoBus),
      try MappedPort(
        kind: .memory, descriptor: rig.guest.descriptor,
        regions: [FileRegion(bus: Rig.memoryBus, offset: 0, size: 2 << 20)]),
      try MappedPort(
        kind: .bar, descriptor: rig.guest.descriptor,
        regions: [FileRegion(bus: 0xe000_0000, offset: 2 << 20, size: 2 << 20)]),
    ])
  }

  /// Says how to repeat a part: before it, since the process may not come to an end of its own.
  private func announce(_ part: String) {
    print("EngineFuzzer, \(part): CROSSBAR_FUZZ_SEED=\(seed)")
    fflush(nil)
  }

  @Test func hostileContentHarmsNobodyElse() throws {
    announce("beside good work")
    // The fuzzer's page tables may lead anywhere in the heap. The good one's tables are where
    // neither small numbers nor powers of two point to.
    let pages = Int(rig.driver.control.heap_size) / 4096 - GoodWork.tablePages
    let heap = rig.driver.allocate(pages * 4096)
    let work = try GoodWork(rig, space: Self.good)
    var fuzzer = Fuzzer(rig, seed: seed, heap: heap, pages: pages, spares: Self.good)
    let end = ContinuousClock.now + .seconds(seconds)
    var rounds = 0
    while ContinuousClock.now < end {
      for _ in 0..<20 { fuzzer.step() }
      fuzzer.settle()
      try work.run(round: rounds)
      rounds += 1
      if rounds % 500 == 0 {
        #expect(rig.driver.reset())
        fuzzer.forget()
        try work.bind()
      }
    }
    #expect(rig.driver.reset())
    try finish("beside good work", rounds: rounds)
  }

  /// Heads that creep, slots that change under the engine and resets at any time: after one more
  /// reset it works as if nothing had been.
  @Test func oneResetMendsWhateverTheGuestHasWritten() throws {
    announce("alone")
    let pages = Int(rig.driver.control.heap_size) / 4096 - GoodWork.tablePages
    let heap = rig.driver.allocate(pages * 4096)
    let work = try GoodWork(rig, space: Self.good)
    var fuzzer = Fuzzer(rig, seed: seed, heap: heap, pages: pages, spares: nil)
    let end = ContinuousClock.now + .seconds(seconds / 3)
    var rounds = 0
    let timeout = rig.driver.timeout
    while ContinuousClock.now < end {
      // Rings that are said to be full, are so for ever.
      rig.driver.timeout = 0
      for _ in 0..<200 {
        fuzzer.step()
        if fuzzer.isDue(20) { fuzzer.settle() }
      }
      rig.driver.timeout = timeout
      try #require(rig.driver.reset())
      fuzzer.forget()
      work.makeTables()
      try work.bind()
      try work.run(round: rounds)
      rounds += 1
    }
    try finish("alone", rounds: rounds)
  }

  private func finish(_ part: String, rounds: Int) throws {
    print("EngineFuzzer, \(part): \(rounds) rounds, \(rig.device.counters())")
    #expect(rounds > 0)
    #expect(rig.device.counters().errors > 0)
    _ = try LogLine.read(
      {
        rig.device.stop()
        return rig.logPath
      }())
  }
}

/// Copies and checksums of one address space, whose results are known.
private final class GoodWork {
  /// What its tables take of the heap.
  static let tablePages = 9
  private let rig: Rig
  private let space: UInt32
  private let pages: UInt64
  private var root: UInt64 = 0

  init(_ rig: Rig, space: UInt32) throws {
    self.rig = rig
    self.space = space
    pages = rig.driver.allocate(Self.tablePages * 4096)
    makeTables()
    try bind()
  }

  /// Makes the page tables anew, where they were.
  func makeTables() {
    memset(rig.driver.memory.base + Int(pages), 0, Self.tablePages * 4096)
    var used: UInt64 = 0
    let tables = PageTables(memory: rig.driver.memory) {
      precondition(used < Self.tablePages, "too few pages for the tables")
      used += 1
      return self.pages + (used - 1) * 4096
    }
    tables.map(Rig.address, pages: 512, to: .bus(0xe000_0000), generation: 1)
    root = tables.root
  }

  func bind() throws {
    try #require(rig.driver.bind(space, root: root))
  }

  /// Once more, with results that must be right.
  func run(round: Int) throws {
    let length = 1000 + round * 7919 % 900_000
    let bytes = randomBytes(length, seed: UInt64(round))
    memcpy(rig.guest.window.base + 2 << 20, bytes, length)
    let copy = crossbar_gpu_command.copy(
      from: Rig.address, to: Rig.address + 1 << 20, length: UInt64(length))
    try #require(try rig.driver.run(space, copy).status == 0)
    let crc = crossbar_gpu_command.crc32c(Rig.address + 1 << 20, length: UInt64(length))
    let result = try rig.driver.run(space, crc)
    try #require(result.status == 0)
    try #require(result.value == UInt64(crossbar_crc32c(0, bytes, length)))
    try #require(result.faults == 0)
  }
}

/// Writes and doorbells, from a seed.
private struct Fuzzer {
  private let rig: Rig
  private let driver: SimulatedDriver
  private var generator: Generator
  /// First byte of the fuzzer's part of the heap, and its pages.
  private let heap: UInt64
  private let pages: Int
  /// The address space that it leaves alone, and with it whatever all of them need; nil for none.
  private let spares: UInt32?
  private var fences = [UInt64](repeating: 0, count: 32)

  init(_ rig: Rig, seed: UInt64, heap: UInt64, pages: Int, spares: UInt32?) {
    self.rig = rig
    driver = rig.driver
    generator = Generator(state: seed)
    self.heap = heap
    self.pages = pages
    self.spares = spares
  }

  mutating func step() {
    if spares == nil, isDue(3) { return stepOnRings() }
    switch number(14) {
    case 0, 1: driver.post(request())
    case 2, 3, 4: revive(UInt32(number(6)))
    case 5, 6: driver.post(command())
    case 7: scribble(heap, heap + UInt64(pages) * 4096)
    case 8: pointers()
    case 9: scribble(UInt64(control.fault_ring), UInt64(control.fault_ring) + 4096)
    case 10: indices()
    default: controlPage()
    }
  }

  /// What only a guest without anything to lose does.
  private mutating func stepOnRings() {
    switch number(6) {
    case 0: slots(of: UInt64(control.control_ring), CROSSBAR_GPU_CONTROL_ENTRIES)
    case 1: slots(of: UInt64(control.command_ring), CROSSBAR_GPU_COMMAND_ENTRIES)
    case 2, 3: creep()
    case 4: reset()
    default: store(UInt64(number(4096 / 8)) * 8, value())
    }
    // An engine that serves nothing any more learns nothing more.
    if driver.load(\.state) != CROSSBAR_GPU_RUNNING.rawValue, !isDue(4) { reset() }
  }

  /// Asks for a reset and goes on at once.
  private mutating func reset() {
    driver.store(
      \.reset_request, driver.load(\.reset_request) &+ UInt32(isDue(8) ? number(1 << 31) : 1))
    driver.ring(CROSSBAR_GPU_BELL_RESET)
    forget()
  }

  /// Changes entries of a ring, which the engine may be reading: whole ones and parts.
  private mutating func slots(of ring: UInt64, _ count: UInt32) {
    for _ in 0..<number(200) {
      let slot = ring + UInt64(number(Int(count))) * 64
      switch number(4) {
      case 0: store(slot + UInt64(number(8)) * 8, value())
      case 1: store(slot, UInt64(number(8)) | UInt64(number(40)) << 32)
      default:
        guard let at = driver.memory.pointer(at: slot, count: 64) else { continue }
        if ring == UInt64(control.control_ring) {
          at.storeBytes(of: request(), as: crossbar_gpu_request.self)
        } else {
          at.storeBytes(of: command(), as: crossbar_gpu_command.self)
        }
      }
    }
    driver.ring(Int32(number(3)))
  }

  /// Moves heads and the fault ring's tail by a little, forth and back, mostly within a ring's length.
  private mutating func creep() {
    let fields: [WritableKeyPath<crossbar_gpu_control, UInt32>] = [
      \.control_head.value, \.command_head.value, \.fault_tail.value, \.control_tail.value,
      \.command_tail.value, \.fault_head.value,
    ]
    for _ in 0..<number(8) {
      let field = fields[number(isDue(8) ? fields.count : 3)]
      let distance = UInt32(number(isDue(10) ? 1024 : 16))
      driver.store(field, driver.load(field) &+ (isDue(10) ? 0 &- distance : distance))
      driver.ring(Int32(number(3)))
    }
  }

  /// True once in so many times.
  mutating func isDue(_ times: Int) -> Bool { number(times) == 0 }

  /// Gives an address space another beginning, and commands that may well be right.
  private mutating func revive(_ space: UInt32) {
    var request = crossbar_gpu_request()
    request.address_space = space
    request.opcode = CROSSBAR_GPU_UNBIND.rawValue
    driver.post(request)
    request.opcode = CROSSBAR_GPU_BIND.rawValue
    request.address = page()
    driver.post(request)
    fences[Int(space)] = 0
    pointers()
    for _ in 0..<number(20) {
      var command = command()
      fences[Int(space)] += 1
      (command.address_space, command.fence) = (space, fences[Int(space)])
      command.opcode = UInt32(number(6))
      command.source = address()
      command.target = address() & ~7
      command.length = number(2) == 0 ? 8 : UInt64(number(1 << 16))
      driver.post(command)
    }
  }

  /// Answers some of the faults, and rings.
  mutating func settle() {
    driver.ring(CROSSBAR_GPU_BELL_CONTROL)
    driver.ring(CROSSBAR_GPU_BELL_COMMAND)
    for fault in driver.takeFaults()
    where fault.address_space < 32 && fault.address_space != spares && number(4) > 0 {
      let error = number(2) == 0 ? 0 : UInt32(truncatingIfNeeded: value())
      driver.reply(fault.address_space, sequence: fault.sequence, error: error)
    }
  }

  /// After a reset.
  mutating func forget() {
    fences = fences.map { _ in 0 }
  }

  private var control: crossbar_gpu_control { driver.control }

  private mutating func request() -> crossbar_gpu_request {
    var request = crossbar_gpu_request()
    request.opcode =
      number(20) == 0 ? UInt32(truncatingIfNeeded: generator.next()) : UInt32(number(6))
    request.address_space = space()
    request.address = number(3) == 0 ? page() : value()
    request.length = value()
    request.generation = value()
    request.error = UInt32(truncatingIfNeeded: value())
    if request.opcode == CROSSBAR_GPU_BIND.rawValue, request.address_space < 32 {
      fences[Int(request.address_space)] = 0
    }
    return request
  }

  private mutating func command() -> crossbar_gpu_command {
    var command = crossbar_gpu_command()
    command.opcode =
      number(20) == 0 ? UInt32(truncatingIfNeeded: generator.next()) : UInt32(number(8))
    command.address_space = space()
    command.fence = value()
    if command.address_space < 32, number(10) > 0 {
      fences[Int(command.address_space)] += 1
      command.fence = fences[Int(command.address_space)]
    }
    command.source = address()
    command.target = address()
    command.length = number(3) == 0 ? value() : UInt64(number(1 << 20))
    command.operand = command.opcode == CROSSBAR_GPU_DELAY.rawValue ? UInt64(number(200)) : value()
    command.compare = value()
    command.atomic = UInt32(number(4))
    return command
  }

  /// Never one that is spared: what names it would be the guest's own order.
  private mutating func space() -> UInt32 {
    if number(10) > 0 { return UInt32(number(6)) }
    let any = UInt32(truncatingIfNeeded: generator.next())
    return any == spares ? 32 : any
  }

  private mutating func address() -> UInt64 {
    switch number(4) {
    case 0: value()
    // A few addresses only, so that commands meet what pointers() has mapped.
    default: UInt64(number(4)) << 39 | UInt64(number(4096))
    }
  }

  /// Tables that lead to tables, with frames of all kinds.
  private mutating func pointers() {
    for _ in 0..<400 {
      let at = page() + UInt64(number(number(3) > 0 ? 4 : 512)) * 8
      var entry = number(4) == 0 ? value() : page()
      switch number(7) {
      case 0: entry = Rig.memoryBus + UInt64(number(600)) << 12 | CROSSBAR_GPU_PTE_BUS
      // Control page and rings by way of the bus.
      case 2: entry = EngineFuzzer.videoBus + UInt64(number(512)) << 12 | CROSSBAR_GPU_PTE_BUS
      case 1: entry |= CROSSBAR_GPU_PTE_BUS
      default: break
      }
      entry |= UInt64(number(64)) & ~CROSSBAR_GPU_PTE_BUS | CROSSBAR_GPU_PTE_VALID
      store(at, entry)
    }
  }

  private mutating func scribble(_ from: UInt64, _ to: UInt64) {
    for _ in 0..<200 { store(from + UInt64(number(Int(to - from) / 8)) * 8, value()) }
  }

  /// Heads and tails that can't be, rung and then put right: the good work shares these rings.
  private mutating func indices() {
    let (control, command) = (driver.load(\.control_head.value), driver.load(\.command_head.value))
    let far = UInt32(truncatingIfNeeded: generator.next()) | 0x8000_0000
    driver.store(\.control_head.value, control &+ far)
    driver.store(\.command_head.value, command &+ far)
    driver.store(\.fault_tail.value, UInt32(truncatingIfNeeded: generator.next()))
    driver.ring(Int32(number(3)))
    usleep(UInt32(number(200)))
    driver.store(\.control_head.value, control)
    driver.store(\.command_head.value, command)
    driver.store(\.fault_tail.value, driver.load(\.fault_head.value))
  }

  /// Fields that only the engine writes, and those that nobody reads.
  private mutating func controlPage() {
    for _ in 0..<20 {
      var offset = UInt64(number(640 / 8)) * 8
      // Neither heads and tails nor the reset, which would be the good work's end; the simulated
      // driver takes the tails from here too.
      if [136, 192].contains(offset) || offset >= 256 && offset % 64 == 0 { offset = 1024 }
      store(offset, value())
    }
    store(UInt64(control.fences) + UInt64(number(31)) * 64, value())
    store(UInt64(control.results) + UInt64(number(31 * 256)) * 32, value())
  }

  private mutating func page() -> UInt64 {
    // A few pages most of the time, so that tables lead to tables.
    if number(4) > 0 { return heap + UInt64(number(8)) << 12 }
    return heap + UInt64(number(pages)) << 12
  }

  /// A number from the corners, or any.
  private mutating func value() -> UInt64 {
    switch number(8) {
    case 0: 0
    case 1: .max
    case 2: .max &- UInt64(number(5000))
    case 3: 1 << UInt64(number(64))
    case 4: (1 << UInt64(number(64))) &- UInt64(number(4097))
    case 5: UInt64(number(5000))
    default: generator.next()
    }
  }

  private mutating func number(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &generator) }

  private func store(_ offset: UInt64, _ value: UInt64) {
    if let at = driver.memory.pointer(at: offset, count: 8) { crossbar_store64(at, value) }
  }

  private struct Generator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var z = state
      z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
      z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
      return z ^ z >> 31
    }
  }
}
