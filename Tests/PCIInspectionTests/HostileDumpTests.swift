// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import Topology

@testable import PCIInspection

/// A guest may write anything where its dump should be.
struct HostileDumpTests {
  private func refusal(_ text: String) throws -> PCIDumpError {
    try #require(throws: PCIDumpError.self) { try PCITree.read(dump: text) }
  }

  private let row = "00: 86 80 c0 29 06 00 00 00 00 00 00 06 00 00 00 00"

  @Test(arguments: [
    "", "\n\n", "hello", "\u{0}\u{0}", "00: 00", "0000:00:00.0", "0000:00:00.0 x\n\n",
    "0000:00:20.0 x\n00: 00", "0000:00:00.8 x\n", "g000:00:00.0 x", "00000:00:00.0 x",
    "0000:00:00.0 x\n00: 0", "0000:00:00.0 x\n00: 000", "0000:00:00.0 x\n00:00",
    "0000:00:00.0 x\n00: zz", "0000:00:00.0 x\n10: 00", "0000:00:00.0 x\n00: 00  00",
    "0000:00:00.0 x\n00: 00\n01: 00", "0000:00:00.0 x\nfffffffffffffffff: 00",
    "\tRegion 0: Memory at 0", ": ", " :", ":",
  ])
  func refusesWhatIsNoDump(text: String) throws {
    _ = try refusal(text)
  }

  @Test func namesTheLine() throws {
    let error = try refusal("0000:00:00.0 x\n\(row)\n10: zz\n")
    #expect(error.line == 3)
    #expect(error.description.hasPrefix("PCI dump:3: this is no row of up to 16 bytes"))
  }

  @Test func refusesATruncatedDump() throws {
    let whole = try Fixture.dump("switch")
    // Inside the last device's header.
    let start = try #require(whole.range(of: "0000:04:00.0")?.upperBound)
    let error = try refusal(String(whole[..<whole.index(start, offsetBy: 120)]))
    #expect(error.message.contains("this is no row") || error.message.contains("0000:04:00.0 has"))
  }

  @Test func readsEveryPrefixOrRefusesIt() throws {
    let whole = Fixture.dump(config: Fixture.header(bridgeTo: 1))
    for length in 0..<whole.utf8.count {
      _ = try? PCITree.read(dump: String(whole.prefix(length)))
    }
  }

  @Test func refusesAnAddressTwice() throws {
    let device = Fixture.dump(config: Fixture.header())
    #expect(try refusal(device + device).message == "0000:00:02.0 is there twice")
  }

  @Test func refusesMoreThanFourMebibytes() throws {
    let text = String(repeating: "\n", count: PCIDump.maximumSize + 1)
    #expect(try refusal(text).message == "the dump is larger than 4 MiB")
  }

  @Test func refusesMoreBytesThanConfigurationSpaceHas() throws {
    let config = [UInt8](repeating: 0x11, count: 4096 + 16)
    _ = try refusal(Fixture.dump(config: config))
  }

  @Test(arguments: [("10: ", "20: "), ("30: ", "10: "), ("30: ", "1000: ")])
  func refusesRowsOutOfOrder(old: String, new: String) throws {
    let dump = Fixture.dump(config: [UInt8](repeating: 0, count: 64))
    let error = try refusal(dump.replacingOccurrences(of: old, with: new))
    #expect(error.message.contains("goes on from the row before"))
  }

  @Test func refusesLongLines() throws {
    let text = "0000:00:00.0 " + String(repeating: "x", count: 300)
    #expect(try refusal(text).message == "the line is too long")
  }

  @Test func refusesTooManyDevices() throws {
    let zeros = Fixture.dump(config: [UInt8](repeating: 0, count: 64))
    var text = ""
    for number in 0...PCIDump.maximumDevices {
      let bus = Hex.text(UInt16(number / 256), digits: 2)
      let device = Hex.text(UInt16(number / 8 % 32), digits: 2)
      text += zeros.replacingOccurrences(
        of: "0000:00:02.0", with: "0000:\(bus):\(device).\(number % 8)")
    }
    #expect(try refusal(text).message == "there are more than 1024 devices")
  }

  @Test(arguments: [
    "Region 6: Memory at 0 [size=1]", "Region -1: Memory at 0 [size=1]", "Region 0:",
    "Region", "Region 0: Memory at xyz [size=1]", "Region 0: Memory at 1 [size=0]",
    "Region 0: Memory at 1 [size=-1]", "Region 0: Memory at 12345678901234567 [size=1]",
    "Region 0: Memory at ffffffffffffffff [size=2]", "Region 0: Memory at 0 [size=99999999T]",
    "Region 0: Memory at 0 [size=]", "Region 0: Memory at",
  ])
  func refusesNonsenseRegions(region: String) throws {
    _ = try refusal(Fixture.dump(config: Fixture.header()).dropLast() + "\t\(region)\n")
  }

  @Test func aSizeForAnotherAddressDoesNotCount() throws {
    var config = Fixture.header()
    config[0x13] = 0xFE
    let region = "\tRegion 0: Memory at fd000000 (32-bit, non-prefetchable) [size=4096]\n"
    let tree = try PCITree.read(dump: Fixture.dump(config: config).dropLast() + region)
    #expect(
      tree.devices.first?.bars == [
        PCIBAR(index: 0, base: 0xFE00_0000, size: nil, space: .memory32, isPrefetchable: false)
      ])
    #expect(tree.barContaining(0xFE00_0000) == nil)
  }

  @Test func aBARThatIsNotDecodedIsThereAllTheSame() throws {
    var config = Fixture.header()
    config[4] = 0
    config[0x13] = 0xFE
    let tree = try PCITree.read(dump: Fixture.dump(config: config))
    #expect(tree.devices.first?.bar(0)?.base == 0xFE00_0000)
  }

  @Test func aBARPastTheEndOfTheAddressSpaceContainsNothing() {
    let bar = PCIBAR(index: 0, base: .max - 1, size: 16, space: .memory64, isPrefetchable: true)
    #expect(bar.range == nil)
    #expect(!bar.contains(.max))
  }

  @Test func capabilityLoopsComeToAnEnd() throws {
    var config = Fixture.header()
    config[6] = 0x10  // capability list
    config[0x34] = 0x40
    config.replaceSubrange(0x40..<0x42, with: [0x05, 0x50])
    config.replaceSubrange(0x50..<0x52, with: [0x10, 0x40])
    config += [UInt8](repeating: 0, count: 4096 - 256)
    // ACS at 0x100 leads to 0x200, and 0x200 back to 0x100.
    config.replaceSubrange(0x100..<0x104, with: [0x0D, 0x00, 0x01, 0x20])
    config.replaceSubrange(0x200..<0x204, with: [0x0B, 0x00, 0x01, 0x10])
    let device = try #require(try PCITree.read(dump: Fixture.dump(config: config)).devices.first)
    #expect(device.capabilities.map(\.offset) == [0x40, 0x50, 0x100, 0x200])
    #expect(device.accessControl != nil)
  }

  @Test func capabilitiesAtTheEndOfSpaceReadNothingBeyond() throws {
    var config = Fixture.header()
    config[6] = 0x10
    config[0x34] = 0xFC
    config.replaceSubrange(0xFC..<0xFE, with: [0x10, 0x00])
    config += [UInt8](repeating: 0, count: 4096 - 256)
    config.replaceSubrange(0x100..<0x104, with: [0x01, 0x00, 0xC1, 0xFF])
    config.replaceSubrange(0xFFC..<0x1000, with: [0x0D, 0x00, 0x01, 0x00])
    let device = try #require(try PCITree.read(dump: Fixture.dump(config: config)).devices.first)
    #expect(device.accessControl == PCIAccessControl(capability: 0xFFFF, control: 0xFFFF))
  }

  @Test(arguments: [0, 1, 255] as [UInt8])
  func absurdBusNumbersMakeNoCycle(secondary: UInt8) throws {
    let config = Fixture.header(bridgeTo: secondary)
    let text =
      Fixture.dump(address: "0000:00:02.0", config: config)
      + Fixture.dump(address: "0000:01:00.0", config: config)
      + Fixture.dump(address: "0000:ff:1f.7", config: config)
    let tree = try PCITree.read(dump: text)
    for device in tree.devices {
      var steps = 0
      var above = tree.parent(of: device)
      while let bridge = above, steps <= tree.devices.count {
        above = tree.parent(of: bridge)
        steps += 1
      }
      #expect(steps <= tree.devices.count)
    }
    _ = tree.diagram(title: "absurd").svg()
    _ = tree.differences(from: Fixture.simple(throughSwitch: true))
  }

  @Test func oneOfTwoBridgesToOneBusIsTheParent() throws {
    let config = Fixture.header(bridgeTo: 1)
    let text =
      Fixture.dump(address: "0000:00:02.0", config: config)
      + Fixture.dump(address: "0000:00:03.0", config: config)
      + Fixture.dump(address: "0000:01:00.0", config: Fixture.header())
    let tree = try PCITree.read(dump: text)
    #expect(tree.children(of: tree.devices[0]).count == 1)
    #expect(tree.children(of: tree.devices[1]).isEmpty)
  }

  @Test(arguments: [
    "0000:00:00.0 x\n00: 00 zz\n", "no end of line", "0000:00:00.0 x\n1000: 00\n",
  ])
  func libpcisOwnErrorComesBackAsOne(text: String) throws {
    let file = FileManager.default.temporaryDirectory.appending(path: "dump-\(UUID()).txt")
    defer { try? FileManager.default.removeItem(at: file) }
    try text.write(to: file, atomically: true, encoding: .utf8)
    let error = try #require(throws: PCIDumpError.self) {
      _ = try LibPCI.open(path: file.path())
    }
    #expect(error.message.hasPrefix("libpci refuses it: dump: "))
  }

  @Test func libpcisMissingFileComesBackAsError() throws {
    let error = try #require(throws: PCIDumpError.self) {
      _ = try LibPCI.open(path: "/nonexistent")
    }
    #expect(error.message.hasPrefix("libpci refuses it: dump: Cannot open /nonexistent"))
  }

  /// Mutates a dump of three devices two thousand times: every outcome but a crash will do.
  @Test(.timeLimit(.minutes(1)))
  func mutationsNeverCrash() throws {
    var endpoint = Fixture.header()
    endpoint[6] = 0x10
    endpoint[0x34] = 0x40
    endpoint.replaceSubrange(0x40..<0x42, with: [0x10, 0x60])
    endpoint.replaceSubrange(0x60..<0x62, with: [0x11, 0x00])
    endpoint[0x10] = 0x0C
    endpoint[0x14] = 0x01
    endpoint += [0x0D, 0x00, 0x01, 0x00] + [UInt8](repeating: 0, count: 28)
    let text =
      Fixture.dump(address: "0000:00:02.0", config: Array(Fixture.header(bridgeTo: 1).prefix(64)))
      + Fixture.dump(address: "0000:01:00.0", config: endpoint).dropLast()
      + "\tRegion 0: Memory at 100000000 (64-bit, prefetchable) [size=4096]\n\n"
    let original = Array(text.utf8)
    let topology = Fixture.simple(throughSwitch: true)
    var random = SplitMix64(state: 20_251_121)
    let alphabet = Array("0123456789abcdef:. \n\tRegion[]=\u{FF}".utf8)
    var read = 0
    for round in 0..<2000 {
      var bytes = original
      for _ in 0...random.next(below: 4) {
        let at = random.next(below: bytes.count)
        switch random.next(below: round % 2 == 0 ? 1 : 5) {
        case 0:
          // Digits only: most of these stay readable and reach libpci.
          guard Hex.digit(bytes[at]) != nil else { continue }
          bytes[at] = alphabet[random.next(below: 16)]
        case 1: bytes[at] = alphabet[random.next(below: alphabet.count)]
        case 2: bytes[at] = UInt8(truncatingIfNeeded: random.next())
        case 3: bytes.removeSubrange(at..<min(bytes.count, at + 1 + random.next(below: 20)))
        default: bytes.insert(contentsOf: bytes[at...].prefix(random.next(below: 64)), at: at)
        }
        if bytes.isEmpty { bytes = original }
      }
      guard let tree = try? PCITree.read(bytes: bytes) else { continue }
      read += 1
      if round % 20 == 0 {
        _ = tree.differences(from: topology)
        _ = tree.diagram(title: "mutated", topology: topology).svg()
      }
      _ = tree.barContaining(random.next())
    }
    #expect(read > 1000)
  }

  /// Vigna's generator: the same rounds at each run.
  private struct SplitMix64 {
    var state: UInt64

    mutating func next() -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var z = state
      z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
      z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
      return z ^ z >> 31
    }

    mutating func next(below bound: Int) -> Int {
      Int(truncatingIfNeeded: next() % UInt64(bound))
    }
  }
}
