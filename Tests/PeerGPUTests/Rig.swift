// SPDX-License-Identifier: Apache-2.0

import CDeviceABI
import Foundation
import PeerGPU
import SimulatedDriver
import Testing

/// A device with a simulated guest: driver, system memory, and a directory of its own.
final class Rig {
  /// Where the guest's system memory begins on the bus.
  static let memoryBus: UInt64 = 0x1_0000_0000
  /// Where the tests map things.
  static let address: UInt64 = 0x7f00_0000_0000

  let directory: String
  let device: GPUDevice
  let driver: SimulatedDriver
  let guest: GuestMemory

  var socketPath: String { "\(directory)/s" }
  var logPath: String { "\(directory)/dma.jsonl" }

  init(
    videoMemory: UInt64 = 32 << 20, guestMemory: Int = 16 << 20, logLimit: UInt64 = 1 << 30,
    injection: FaultInjection = .none, digestsPayload: Bool = false
  ) throws {
    directory = try temporaryDirectory()
    guest = try GuestMemory(size: guestMemory)
    device = try GPUDevice(
      memory: VideoMemory(size: videoMemory), socketPath: "\(directory)/s",
      logPath: "\(directory)/dma.jsonl", logLimit: logLimit, injection: injection,
      digestsPayload: digestsPayload)
    device.attach([try guest.port(at: Self.memoryBus)])
    driver = try SimulatedDriver(path: "\(directory)/s")
  }

  deinit {
    driver.stopFaults()
    device.stop()
    try? FileManager.default.removeItem(atPath: directory)
  }

  /// Binds an address space to new page tables.
  func bind(_ space: UInt32) throws -> PageTables {
    let tables = driver.pageTables()
    try #require(driver.bind(space, root: tables.root))
    try #require(driver.error(space) == 0)
    return tables
  }

  /// Stops the device and reads its log.
  func log() throws -> [LogLine] {
    device.stop()
    return try LogLine.read(logPath)
  }

  /// Fills guest memory from `offset` on with a pattern that depends on `seed`.
  @discardableResult
  func pattern(at offset: Int, count: Int, seed: UInt64) -> [UInt8] {
    let bytes = randomBytes(count, seed: seed)
    _ = bytes.withUnsafeBytes { guest.window.write($0, at: UInt64(offset)) }
    return bytes
  }

  /// Whether the first `count` bytes of guest memory are all `byte`. Fast in a debug build too.
  func guestHolds(_ byte: UInt8, count: Int) -> Bool {
    let base = guest.window.base
    return base.load(as: UInt8.self) == byte && memcmp(base, base + 1, count - 1) == 0
  }

  func guestBytes(at offset: Int, count: Int) -> [UInt8] {
    [UInt8](UnsafeRawBufferPointer(start: guest.window.base + offset, count: count))
  }

  func videoBytes(at offset: UInt64, count: Int) -> [UInt8] {
    [UInt8](UnsafeRawBufferPointer(start: driver.memory.base + Int(offset), count: count))
  }
}

func temporaryDirectory() throws -> String {
  let path = "/tmp/peergpu-\(getpid())-\(UInt32.random(in: 0 ... .max))"
  try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  return path
}

func randomBytes(_ count: Int, seed: UInt64) -> [UInt8] {
  var state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
  return [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
    for index in 0..<count {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      buffer[index] = UInt8(truncatingIfNeeded: state >> 56)
    }
    filled = count
  }
}

/// A line of the access log.
struct LogLine: Decodable {
  let t: String
  let n: UInt64?
  let ns: UInt64?
  let `as`: UInt32?
  let fence: UInt64?
  let va: String?
  let bus: String?
  let write: Bool?
  let port: String?
  let gen: UInt64?
  let index: UInt32?
  let seq: UInt64?
  let access: String?
  let error: UInt32?
  let op: String?
  let status: UInt32?
  let bytes: UInt64?
  let value: String?
  let taken: String?
  let given: String?
  let text: String?
  private let len: Length?

  /// A number in a DMA's line, a text in the others.
  private enum Length: Decodable {
    case number(UInt64)
    case text(String)

    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if let number = try? container.decode(UInt64.self) {
        self = .number(number)
      } else {
        self = .text(try container.decode(String.self))
      }
    }
  }

  /// Bytes of a DMA.
  var length: UInt64? { if case .number(let length) = len { length } else { nil } }
  /// Bytes of a range, as it is written.
  var range: String? { if case .text(let length) = len { length } else { nil } }

  static func read(_ path: String) throws -> [LogLine] {
    let text = try String(contentsOfFile: path, encoding: .utf8)
    let decoder = JSONDecoder()
    return try text.split(separator: "\n").map {
      try decoder.decode(LogLine.self, from: Data($0.utf8))
    }
  }
}
