// SPDX-License-Identifier: Apache-2.0

import CDeviceABI
import Foundation
import Glibc
import SimulatedDriver
import Testing

@testable import PeerGPU

/// A disk that stands still: a pipe that nobody reads, which holds 64 KiB.
@Suite(.timeLimit(.minutes(1))) struct SlowDiskTests {
  private final class Pipe {
    let path: String
    let directory: String
    private let descriptor: CInt

    init() throws {
      directory = try temporaryDirectory()
      path = "\(directory)/dma.jsonl"
      try #require(mkfifo(path, 0o600) == 0)
      descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
      try #require(descriptor >= 0)
    }

    deinit {
      close(descriptor)
      try? FileManager.default.removeItem(atPath: directory)
    }

    /// The lines that come have the numbers from 1 to `count`, in this order.
    func hasLines(_ count: Int) -> Bool {
      var lines: [UInt64] = []
      var rest: [UInt8] = []
      var chunk = [UInt8](repeating: 0, count: 1 << 16)
      while lines.count < count {
        let length = read(descriptor, &chunk, chunk.count)
        guard length > 0 else {
          usleep(1000)
          continue
        }
        rest += chunk[..<length]
        var pieces = rest.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        rest = Array(pieces.removeLast())
        lines += pieces.compactMap { piece in
          let text = String(decoding: piece, as: UTF8.self)
          return text.firstMatch(of: /"n":(\d+)/).flatMap { UInt64($0.output.1) }
        }
      }
      return lines == Array(1...UInt64(count))
    }
  }

  private static let count = 50_000

  @Test func holdsNobodyUp() throws {
    let pipe = try Pipe()
    let log = try AccessLog(path: pipe.path, limit: 1 << 30, backlog: 64 << 20)
    for space in 0..<Self.count { log.bind(UInt32(space % 32)) }
    #expect(log.lastNumber == Self.count)
    // What is kept is written without anybody's asking.
    #expect(pipe.hasLines(Self.count))
  }

  @Test func isWaitedForWhenTheBacklogIsFull() throws {
    let pipe = try Pipe()
    let log = try AccessLog(path: pipe.path, limit: 1 << 30, backlog: 256 << 10)
    let threads = try (0..<2).map { _ in
      try WorkerThread("test-lines") {
        for space in 0..<Self.count / 2 { log.bind(UInt32(space % 32)) }
      }
    }
    // It stands still, and can be asked meanwhile.
    var last: UInt64 = 0
    repeat {
      last = log.lastNumber
      usleep(100_000)
    } while last == 0 || log.lastNumber > last
    #expect(last < Self.count)
    #expect(pipe.hasLines(Self.count))
    for thread in threads { thread.join() }
    log.flush()
  }

  /// The guest's driver can tell a device that waits for the disk from one that is gone.
  @Test func theHeartGoesOn() throws {
    let pipe = try Pipe()
    let memory = try VideoMemory(size: 8 << 20)
    let device = try GPUDevice(
      memory: memory, socketPath: "\(pipe.directory)/s", logPath: pipe.path, logBacklog: 1)
    defer { device.stop() }
    let driver = try SimulatedDriver(path: "\(pipe.directory)/s")
    driver.timeout = 30_000
    try #require(driver.bind(0, root: driver.pageTables().root))
    let count = 5000
    let worker = try WorkerThread("test-driver") {
      for _ in 0..<count { _ = try? driver.run(0, .fenceOnly) }
    }
    var last: UInt64 = 0
    repeat {
      last = device.counters().lastLogNumber
      usleep(200_000)
    } while last < 2 || device.counters().lastLogNumber > last
    #expect(last < count)
    let offset = try #require(
      MemoryLayout<crossbar_gpu_control>.offset(of: \crossbar_gpu_control.heartbeat))
    let before = try memory.read(at: offset, count: 8)
    usleep(200_000)
    #expect(try memory.read(at: offset, count: 8) != before)
    #expect(pipe.hasLines(count + 1))
    worker.join()
  }

  /// Nothing stands behind half a line.
  @Test func aFullDiskEndsTheLog() throws {
    let log = try AccessLog(path: "/dev/full", limit: 1 << 30, backlog: 1)
    for space in 0..<Self.count { log.bind(UInt32(space % 32)) }
    log.flush()
    #expect(log.lastNumber == Self.count)
    #expect(log.held <= 128 << 10)
  }
}
