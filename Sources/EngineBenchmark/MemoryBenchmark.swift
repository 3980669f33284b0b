// SPDX-License-Identifier: Apache-2.0

import CDeviceABI
import CPeerGPU
import Foundation
import Glibc
import PeerGPU
import SimulatedDriver

/// COPY and CRC32C on memory that is mapped, against memcpy(3) and the bare checksum.
///
/// A round is the same number of operations for both, one after the other; commands are queued
/// together, as a program does that wants bandwidth. Waiting for one command is a latency.
final class MemoryBenchmark {
  private static let busAddress: UInt64 = 0x1_0000_0000
  private static let source: UInt64 = 0x7f00_0000_0000
  private static let target: UInt64 = 0x7f10_0000_0000
  static let largest = 64 << 20

  let driver: SimulatedDriver
  private let device: GPUDevice
  private let guest: GuestMemory
  private let directory: String

  init() throws {
    directory = "/tmp/bench-engine-\(getpid())"
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    device = try GPUDevice(
      memory: VideoMemory(size: 256 << 20), socketPath: "\(directory)/s",
      logPath: "\(directory)/dma.jsonl")
    driver = try SimulatedDriver(path: "\(directory)/s")
    driver.timeout = 60_000
    guest = try GuestMemory(size: 2 * Self.largest)
    device.attach([try guest.port(at: Self.busAddress)])
  }

  deinit {
    driver.stopFaults()
    device.stop()
    try? FileManager.default.removeItem(atPath: directory)
  }

  /// One aperture, all sizes.
  func run(video: Bool, sizes: [Int], rounds: Int) throws -> [Comparison] {
    let tables = driver.pageTables()
    let first = video ? driver.control.aperture_offset : 0
    let base = (video ? driver.memory.base : guest.window.base) + Int(first)
    memset(base, 0x5a, 2 * Self.largest)
    for (address, part) in [(Self.source, 0), (Self.target, Self.largest)] {
      let frame = first + UInt64(part)
      tables.map(
        address, pages: Self.largest / 4096,
        to: video ? .video(frame) : .bus(Self.busAddress + frame), generation: 1)
    }
    guard driver.bind(0, root: tables.root) else { throw DriverError("no answer to BIND") }
    defer { driver.unbind(0) }
    let name = video ? "video memory" : "guest memory"
    var found: [Comparison] = []
    for size in sizes {
      let copy = crossbar_gpu_command.copy(
        from: Self.source, to: Self.target, length: UInt64(size))
      let (from, to) = (base, base + Self.largest)
      found.append(
        try compare("COPY \(name)", size, rounds, copy) { memcpy(to, from, size) })
      let checksum = crossbar_gpu_command.crc32c(Self.source, length: UInt64(size))
      found.append(
        try compare("CRC32C \(name)", size, rounds, checksum) {
          sink = sink &+ crossbar_crc32c(0, from, size)
        })
    }
    return found
  }

  private var sink: UInt32 = 0

  private func compare(
    _ name: String, _ size: Int, _ rounds: Int, _ command: crossbar_gpu_command, _ bare: () -> Void
  ) throws -> Comparison {
    let count = min(1024, 8 * Self.largest / size)
    let inFlight = UInt64(CROSSBAR_GPU_DEPTH) - 16
    var engine: [Double] = []
    var alone: [Double] = []
    for round in 0...rounds {
      let start = nanoseconds()
      for _ in 0..<count { bare() }
      let middle = nanoseconds()
      var last: UInt64 = 0
      for index in 0..<count {
        last = driver.submit(0, command, ring: index % 16 == 0 || index == count - 1)
        // A client that wakes up for each command takes time from the engine: this one looks now
        // and then.
        if last > inFlight { _ = driver.wait(0, for: last - inFlight) }
      }
      guard let result = driver.wait(0, for: last) else {
        throw DriverError("fence \(last): error \(driver.error(0))")
      }
      let end = nanoseconds()
      // The commands are alike, so the last one speaks for all of them.
      guard result.status == 0, result.bytes == UInt64(size) else {
        throw DriverError("\(name): status \(result.status), \(result.bytes) of \(size) bytes")
      }
      // The first round warms up.
      guard round > 0 else { continue }
      alone.append(Double(size * count) / Double(middle - start))
      engine.append(Double(size * count) / Double(end - middle))
    }
    return Comparison(
      name: name, size: size, engine: Spread(engine), bare: Spread(alone),
      ratio: Spread(zip(engine, alone).map { $0 / $1 }), goal: size >= 1 << 20 ? 0.8 : nil)
  }

  /// Times of single commands, with and without a page fault.
  func latencies(count: Int) throws -> [Percentiles] {
    let tables = driver.pageTables()
    guard driver.bind(1, root: tables.root) else { throw DriverError("no answer to BIND") }
    defer { driver.unbind(1) }
    tables.map(Self.source, pages: 1, to: .bus(Self.busAddress), generation: 1)
    tables.table(0, of: Self.target)
    let box = Tables(tables)
    driver.answerFaults { fault in
      box.tables.map(fault.address, pages: 1, to: .bus(Self.busAddress), generation: 1)
      return 0
    }
    defer { driver.stopFaults() }
    return [
      Percentiles("FENCE, doorbell to interrupt", try times(count) { _ in .fenceOnly }),
      Percentiles(
        "CRC32C of 4 KiB", try times(count) { _ in .crc32c(Self.source, length: 4096) }),
      Percentiles(
        "CRC32C of 4 KiB with a page fault",
        try times(count) { .crc32c(Self.target + UInt64($0) * 4096, length: 4096) }),
      Percentiles(
        "INVALIDATE, to acknowledgment",
        (0..<count).map { _ in
          let start = nanoseconds()
          var request = crossbar_gpu_request()
          request.opcode = CROSSBAR_GPU_INVALIDATE.rawValue
          request.address_space = 1
          request.address = Self.source
          request.length = 4096
          let index = driver.post(request)
          while Int32(bitPattern: driver.load(\.control_tail.value) &- index) <= 0 {
            driver.waitForInterrupt(CROSSBAR_GPU_IRQ_CONTROL, milliseconds: 1000)
          }
          return nanoseconds() - start
        }),
    ]
  }

  private func times(
    _ count: Int, _ command: (Int) -> crossbar_gpu_command
  ) throws -> [UInt64] {
    try (0..<count).map { index in
      let start = nanoseconds()
      let fence = driver.submit(1, command(index))
      while driver.completed(1) < fence {
        guard driver.error(1) == 0 else { throw DriverError("error \(driver.error(1))") }
        driver.waitForInterrupt(CROSSBAR_GPU_IRQ_FENCE, milliseconds: 1000)
      }
      let time = nanoseconds() - start
      let status = driver.result(1, fence).status
      guard status == 0 else { throw DriverError("fence \(fence): status \(status)") }
      return time
    }
  }

  /// Page tables that the fault thread writes while nobody else does.
  private struct Tables: @unchecked Sendable {
    let tables: PageTables

    init(_ tables: PageTables) { self.tables = tables }
  }
}

/// The monotonic clock.
func nanoseconds() -> UInt64 { DispatchTime.now().uptimeNanoseconds }
