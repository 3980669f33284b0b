// SPDX-License-Identifier: Apache-2.0

import CDeviceABI
import CPeerGPU
import PeerGPU
import SimulatedDriver
import Testing

/// What the access log says of a command's payload, if it is asked to.
@Suite struct PayloadDigestTests {
  private static let length = 300_001
  private static let base = Rig.address + 5
  private static let other = Rig.address + 1 << 20

  /// A device whose address space 0 has 2 MiB of memory, page by page in another order.
  private static func rig(_ injection: String = "") throws -> (Rig, [UInt8]) {
    let rig = try Rig(injection: FaultInjection(parsing: injection), digestsPayload: true)
    let tables = try rig.bind(0)
    for page in 0..<512 {
      let frame = Rig.memoryBus + UInt64(page ^ 1) * 4096
      tables.map(Rig.address + UInt64(page) * 4096, pages: 1, to: .bus(frame), generation: 1)
    }
    rig.pattern(at: 0, count: 2 << 20, seed: 8)
    let all = rig.guestBytes(at: 0, count: 512 * 4096)
    let bytes = (0..<512).flatMap { all[($0 ^ 1) * 4096..<(($0 ^ 1) + 1) * 4096] }
    return (rig, Array(bytes[5..<5 + length]))
  }

  private static var commands: [crossbar_gpu_command] {
    let length = UInt64(length)
    return [
      .crc32c(base, length: length), .copy(from: base, to: other, length: length),
      .compare(base, other, length: length),
      .fill(other, length: length, with: 0x0102_0304_0506_0708),
      .compare(base, other, length: length),
    ]
  }

  @Test(arguments: ["", "tear-dma=0"])
  func aDigestIsTheOneOfTheBytes(injection: String) throws {
    let (rig, bytes) = try Self.rig(injection)
    let results = try Self.commands.map { try rig.driver.run(0, $0) }
    let crc = UInt64(crossbar_crc32c(0, bytes, bytes.count))
    let pattern = (0..<Self.length).map { UInt8(8 - $0 % 8) }
    let fill = UInt64(crossbar_crc32c(0, pattern, pattern.count))
    #expect(results.map(\.status) == [0, 0, 0, 0, 0])
    #expect(results[0].value == crc)
    #expect(results[2].value == UInt64(Self.length))
    #expect(results[4].value < 100)
    let fences = try rig.log().filter { $0.t == "fence" }
    let hex = "0x" + String(crc, radix: 16)
    #expect(fences.prefix(3).map(\.taken) == [hex, hex, hex])
    #expect(fences.prefix(3).map(\.given) == [hex, hex, hex])
    #expect(fences[0].value == hex)
    #expect(fences[3].taken == "0x" + String(fill, radix: 16))
    #expect(fences[3].given == fences[3].taken)
    #expect(fences[4].given != fences[4].taken)
  }

  @Test func aWrongBitOnTheWayShows() throws {
    for seed in 1...10 as ClosedRange<UInt64> {
      let (rig, bytes) = try Self.rig()
      for command in Self.commands.prefix(4) {
        rig.device.inject(FaultInjection([.flipBit: 1], seed: seed))
        #expect(try rig.driver.run(0, command).status == 0)
      }
      let lines = try rig.log().filter { $0.t == "fence" }
      let crc = "0x" + String(crossbar_crc32c(0, bytes, bytes.count), radix: 16)
      #expect(lines[0].taken == crc && lines[0].given != crc && lines[0].value == lines[0].given)
      #expect(lines[1].taken == crc && lines[1].given != crc)
      // The copy had a wrong bit: this COMPARE either finds it, or its own one.
      #expect(lines[2].taken != lines[2].given)
      #expect(lines[3].taken != lines[3].given)
    }
  }

  @Test func theDataAreTheSameAsWithout() throws {
    let (rig, bytes) = try Self.rig()
    #expect(try rig.driver.run(0, Self.commands[1]).status == 0)
    let crc = try rig.driver.run(0, .crc32c(Self.other, length: UInt64(Self.length))).value
    #expect(crc == UInt64(crossbar_crc32c(0, bytes, bytes.count)))
  }

  @Test func whoAsksForNoneGetsNone() throws {
    let rig = try Rig()
    let tables = try rig.bind(0)
    tables.map(Rig.address, pages: 1, to: .bus(Rig.memoryBus), generation: 1)
    _ = try rig.driver.run(0, .crc32c(Rig.address, length: 9))
    #expect(try rig.log().allSatisfy { $0.taken == nil && $0.given == nil })
  }
}
