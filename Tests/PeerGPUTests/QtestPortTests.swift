// SPDX-License-Identifier: Apache-2.0

import CDeviceABI
import CPeerGPU
import Foundation
import Glibc
import SimulatedDriver
import Testing

@testable import PeerGPU

@Suite(.enabled(if: access(QEMUProcess.path, X_OK) == 0, "needs QEMU"), .serialized)
struct QtestPortTests {
  @Test(arguments: [1, 2, 3, 4096, 256 << 10, (256 << 10) + 1, 1_000_001])
  func bytesComeBackFromTheMemoryBuffer(count: Int) throws {
    let qemu = try QEMUProcess()
    let port = try qemu.port()
    let bytes = randomBytes(count, seed: UInt64(count))
    var found = [UInt8](repeating: 0, count: count)
    for address in [QEMUProcess.cmb + 13, 1 << 20] {
      try bytes.withUnsafeBytes { try port.write(address, from: $0) }
      try found.withUnsafeMutableBytes { try port.read(address, into: $0) }
      #expect(found == bytes)
    }
  }

  @Test func everyCommandReachesThePeersMemory() throws {
    let qemu = try QEMUProcess()
    let port = try qemu.port()
    let rig = try Rig()
    rig.device.attach([try rig.guest.port(at: Rig.memoryBus), port])
    let tables = try rig.bind(0)
    let (peer, system) = (Rig.address, Rig.address + 1 << 30)
    tables.map(peer, pages: 512, to: .bus(QEMUProcess.cmb), generation: 1)
    tables.map(system, pages: 512, to: .bus(Rig.memoryBus), generation: 1)
    let bytes = rig.pattern(at: 0, count: 1 << 20, seed: 2)
    let length = UInt64(700_001)
    let driver = rig.driver
    #expect(try driver.run(0, .copy(from: system + 5, to: peer + 2, length: length)).status == 0)
    let crc = try driver.run(0, .crc32c(peer + 2, length: length)).value
    #expect(
      crc == UInt64(crossbar_crc32c(0, Array(bytes[5..<5 + Int(length)]), Int(length))))
    #expect(
      try driver.run(0, .compare(peer + 2, system + 5, length: length)).value == length)
    #expect(
      try driver.run(0, .copy(from: peer + 2, to: system + 1 << 20, length: length)).status == 0)
    #expect(rig.guestBytes(at: 1 << 20, count: Int(length)) == Array(bytes[5..<5 + Int(length)]))
    // From peer to peer, both sides by the bus.
    #expect(try driver.run(0, .copy(from: peer, to: peer + 1 << 20, length: length)).status == 0)
    #expect(try driver.run(0, .compare(peer, peer + 1 << 20, length: length)).value == length)
    #expect(try driver.run(0, .fill(peer, length: 5, with: 0x0504_0302_0101)).status == 0)
    let add = CROSSBAR_GPU_ATOMIC_ADD
    #expect(try driver.run(0, .atomic(add, peer, width: 4, 1)).value == 0x0302_0101)
    #expect(try driver.run(0, .atomic(add, peer, width: 4, 0)).value == 0x0302_0102)
    let counters = rig.device.counters()
    #expect(counters.bytes["bus"]?.written == 2 * length + 5 + 8)
    let ports = Set(try rig.log().filter { $0.fence == 1 && $0.t == "dma" }.map(\.port))
    #expect(ports == ["memory", "bus"])
  }

  @Test func theEndOfQEMUIsAFailedDMA() throws {
    let qemu = try QEMUProcess()
    let port = try qemu.port()
    let rig = try Rig()
    rig.device.attach([port])
    let tables = try rig.bind(0)
    tables.map(Rig.address, pages: 1, to: .bus(QEMUProcess.cmb), generation: 1)
    #expect(try rig.driver.run(0, .crc32c(Rig.address, length: 4096)).status == 0)
    qemu.kill()
    for _ in 0..<2 {
      let result = try rig.driver.run(0, .crc32c(Rig.address, length: 4096))
      #expect(result.status == UInt32(EIO))
      #expect(result.bytes == 0)
    }
  }

  @Test func noAnswerInTimeIsAFailedDMA() throws {
    let qemu = try QEMUProcess()
    let port = try qemu.port(timeout: 1500)
    qemu.suspend()
    var byte: [UInt8] = [0]
    let time = ContinuousClock().measure {
      #expect(throws: DMAError.self) {
        try byte.withUnsafeMutableBytes { try port.read(0, into: $0) }
      }
    }
    #expect(time >= .milliseconds(1500) && time < .seconds(20))
    #expect(throws: DMAError.self) { try byte.withUnsafeBytes { try port.write(0, from: $0) } }
  }

  @Test func aSocketThatIsNotThereIsNamed() {
    let error = #expect(throws: PeerGPUError.self) {
      try QtestPort(path: "/nonexistent/q", regions: [])
    }
    #expect(error?.description == "Can't connect to /nonexistent/q: No such file or directory.")
  }
}

@Suite struct Base64Tests {
  private static func encode(_ bytes: [UInt8]) -> String {
    var code = [UInt8](repeating: 0, count: Base64.encodedCount(bytes.count))
    code.withUnsafeMutableBufferPointer { code in
      guard let start = code.baseAddress else { return }
      bytes.withUnsafeBytes { Base64.encode($0, to: start) }
    }
    return String(decoding: code, as: UTF8.self)
  }

  private static func decode(_ code: String, count: Int) -> [UInt8]? {
    var bytes = [UInt8](repeating: 0, count: count)
    let code = Array(code.utf8)
    let valid = bytes.withUnsafeMutableBytes { bytes in
      code.withUnsafeBytes { Base64.decode($0, to: bytes) }
    }
    return valid ? bytes : nil
  }

  /// RFC 4648, 10, and every length around the unrolled loop's end.
  @Test func agreesWithTheStandardAndWithFoundation() {
    #expect(Self.encode(Array("foobar".utf8)) == "Zm9vYmFy")
    #expect(Self.encode(Array("fooba".utf8)) == "Zm9vYmE=")
    #expect(Self.encode(Array("foob".utf8)) == "Zm9vYg==")
    for count in 0..<100 {
      let bytes = randomBytes(count, seed: UInt64(count + 1))
      let code = Self.encode(bytes)
      #expect(code == Data(bytes).base64EncodedString())
      #expect(Self.decode(code, count: count) == bytes)
    }
  }

  @Test(arguments: [("Zm9vYmF*", 6), ("Zm9*YmFy", 6), ("Zm9vYm==", 5), ("Zm9v", 4), ("Zm9", 2)])
  func whatIsNoCodeIsRefused(code: String, count: Int) {
    #expect(Self.decode(code, count: count) == nil)
  }
}
