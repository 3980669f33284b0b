// SPDX-License-Identifier: Apache-2.0

import CDeviceABI
import Foundation
import Glibc
import PeerGPU
import SimulatedDriver

/// COPY between guest memory and a peer that only QEMU's qtest socket reaches, against a client
/// that does nothing else. Each has a QEMU of its own, since a socket has one client.
final class BusBenchmark {
  static let emulator = "/usr/bin/qemu-system-x86_64"

  private static let memory: UInt64 = 16 << 20
  private static let size = 8 << 20
  private static let bus: UInt64 = 0x1_0000_0000
  private static let peer: UInt64 = 0x7f00_0000_0000
  private static let system: UInt64 = 0x7f10_0000_0000

  private let directory: String
  private var processes: [Process] = []

  init() throws {
    directory = "/tmp/bench-engine-bus-\(getpid())"
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
  }

  deinit {
    for process in processes where process.isRunning {
      kill(process.processIdentifier, SIGKILL)
      process.waitUntilExit()
    }
    try? FileManager.default.removeItem(atPath: directory)
  }

  func run(rounds: Int) throws -> [Comparison] {
    let client = try BareClient(path: try start("bare"))
    let port = try QtestPort(path: try start("engine"), regions: [(Self.memory, Self.memory)])
    let guest = try GuestMemory(size: Self.size)
    let device = try GPUDevice(
      memory: VideoMemory(size: 32 << 20), socketPath: "\(directory)/s",
      logPath: "\(directory)/dma.jsonl")
    defer { device.stop() }
    device.attach([try guest.port(at: Self.bus), port])
    let driver = try SimulatedDriver(path: "\(directory)/s")
    driver.timeout = 60_000
    let tables = driver.pageTables()
    let pages = Self.size / 4096
    tables.map(Self.peer, pages: pages, to: .bus(Self.memory), generation: 1)
    tables.map(Self.system, pages: pages, to: .bus(Self.bus), generation: 1)
    guard driver.bind(0, root: tables.root) else { throw DriverError("no answer to BIND") }
    memset(guest.window.base, 0x77, Self.size)
    let length = UInt64(Self.size)
    let read = crossbar_gpu_command.copy(from: Self.peer, to: Self.system, length: length)
    let write = crossbar_gpu_command.copy(from: Self.system, to: Self.peer, length: length)
    let bytes = UnsafeMutableRawBufferPointer(start: guest.window.base, count: Self.size)
    return [
      try compare("COPY bus master, read", rounds, driver, read) {
        try client.read(Self.memory, into: bytes)
      },
      try compare("COPY bus master, write", rounds, driver, write) {
        try client.write(Self.memory, from: UnsafeRawBufferPointer(bytes))
      },
    ]
  }

  private func compare(
    _ name: String, _ rounds: Int, _ driver: SimulatedDriver, _ command: crossbar_gpu_command,
    _ bare: () throws -> Void
  ) throws -> Comparison {
    var engine: [Double] = []
    var alone: [Double] = []
    for _ in 0..<rounds {
      let start = nanoseconds()
      guard try driver.run(0, command).status == 0 else { throw DriverError("\(name) failed") }
      let middle = nanoseconds()
      try bare()
      let end = nanoseconds()
      engine.append(Double(Self.size) / Double(middle - start))
      alone.append(Double(Self.size) / Double(end - middle))
    }
    return Comparison(
      name: name, size: Self.size, engine: Spread(engine), bare: Spread(alone),
      ratio: Spread(zip(engine, alone).map { $0 / $1 }), goal: 0.9)
  }

  /// Starts a QEMU whose CPU stands still, and gives its qtest socket.
  private func start(_ name: String) throws -> String {
    let path = "\(directory)/\(name)"
    let process = Process()
    process.executableURL = URL(fileURLWithPath: Self.emulator)
    process.arguments = [
      "-machine", "q35,accel=tcg", "-S", "-m", "64", "-nodefaults", "-display", "none",
      "-qtest", "unix:\(path),server=on,wait=off", "-qtest-log", "none",
    ]
    try process.run()
    processes.append(process)
    for _ in 0..<5000 where access(path, F_OK) != 0 { usleep(1000) }
    usleep(100_000)
    return path
  }
}

/// The least that a qtest client has to do for its data, with requests in the form that this simple
/// client is quickest with: reads long and one by one, writes short and several under way.
private final class BareClient {
  private let descriptor: CInt
  private var buffer = [UInt8](repeating: 0, count: 1 << 20)
  /// The part of `buffer` that arrived and was not taken.
  private var arrived = 0..<0
  private static let reading = 256 << 10
  private static let writing = 32 << 10
  private static let depth = 4
  private static let alphabet = Array(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
  private let values: [UInt32]

  init(path: String) throws {
    var values = [UInt32](repeating: 0, count: 256)
    for (value, character) in Self.alphabet.enumerated() { values[Int(character)] = UInt32(value) }
    self.values = values
    descriptor = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
    let result = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    guard result == 0 else { throw DriverError("no connection to \(path)") }
  }

  deinit { close(descriptor) }

  func read(_ address: UInt64, into target: UnsafeMutableRawBufferPointer) throws {
    for at in stride(from: 0, to: target.count, by: Self.reading) {
      let count = min(Self.reading, target.count - at)
      try send(Array("b64read 0x\(String(address + UInt64(at), radix: 16)) \(count)\n".utf8))
      let line = try answer()
      guard line.count >= 3 + count / 3 * 4 else { throw DriverError("qtest: short answer") }
      buffer.withUnsafeBytes { buffer in
        var from = line.lowerBound + 3
        var to = at
        while to + 3 <= at + count {
          let word =
            values[Int(buffer[from])] << 18 | values[Int(buffer[from + 1])] << 12
            | values[Int(buffer[from + 2])] << 6 | values[Int(buffer[from + 3])]
          target[to] = UInt8(truncatingIfNeeded: word >> 16)
          target[to + 1] = UInt8(truncatingIfNeeded: word >> 8)
          target[to + 2] = UInt8(truncatingIfNeeded: word)
          from += 4
          to += 3
        }
      }
    }
  }

  func write(_ address: UInt64, from source: UnsafeRawBufferPointer) throws {
    var underWay = 0
    for at in stride(from: 0, to: source.count, by: Self.writing) {
      try send(request(address + UInt64(at), source, at..<min(at + Self.writing, source.count)))
      underWay += 1
      if underWay == Self.depth {
        _ = try answer()
        underWay -= 1
      }
    }
    for _ in 0..<underWay { _ = try answer() }
  }

  private func request(
    _ address: UInt64, _ source: UnsafeRawBufferPointer, _ range: Range<Int>
  ) -> [UInt8] {
    let head = "b64write 0x\(String(address, radix: 16)) \(range.count) "
    let code = (range.count + 2) / 3 * 4
    return [UInt8](unsafeUninitializedCapacity: head.utf8.count + code + 1) { line, filled in
      for byte in head.utf8 {
        line[filled] = byte
        filled += 1
      }
      for from in stride(from: range.lowerBound, to: range.upperBound, by: 3) {
        var word: UInt32 = 0
        for index in 0..<3 {
          word = word << 8 | (from + index < range.upperBound ? UInt32(source[from + index]) : 0)
        }
        for index in 0..<4 {
          line[filled] = Self.alphabet[Int(word >> UInt32(18 - 6 * index) & 63)]
          filled += 1
        }
      }
      // Padding as QEMU wants it.
      for index in 0..<(3 - range.count % 3) % 3 { line[filled - 1 - index] = UInt8(ascii: "=") }
      line[filled] = UInt8(ascii: "\n")
      filled += 1
    }
  }

  private func send(_ line: [UInt8]) throws {
    var sent = 0
    while sent < line.count {
      let count = line.withUnsafeBytes { bytes in
        bytes.baseAddress.map { Glibc.send(descriptor, $0 + sent, line.count - sent, 0) } ?? -1
      }
      guard count > 0 else { throw DriverError("qtest: \(errno)") }
      sent += count
    }
  }

  /// - Returns: where the next answer is in the buffer, until the next call.
  private func answer() throws -> Range<Int> {
    var seen = arrived.lowerBound
    while true {
      let end = buffer.withUnsafeBytes { bytes in
        bytes.baseAddress.flatMap { start in
          memchr(start + seen, 0x0A, arrived.upperBound - seen).map { UnsafeRawPointer($0) - start }
        }
      }
      if let end {
        let line = arrived.lowerBound..<end
        arrived = (end + 1)..<arrived.upperBound
        guard buffer[line].starts(with: "OK".utf8) else { throw DriverError("qtest refused") }
        return line
      }
      if arrived.isEmpty || arrived.upperBound == buffer.count {
        buffer.replaceSubrange(0..<arrived.count, with: buffer[arrived])
        arrived = 0..<arrived.count
      }
      seen = arrived.upperBound
      let count = buffer.withUnsafeMutableBytes { bytes in
        bytes.baseAddress.map { recv(descriptor, $0 + seen, bytes.count - seen, 0) } ?? -1
      }
      guard count > 0 else { throw DriverError("qtest: \(errno)") }
      arrived = arrived.lowerBound..<(seen + count)
    }
  }
}
