// SPDX-License-Identifier: Apache-2.0

import SystemPackage
import Testing

@testable import Artifacts

@Suite struct ELFFileTests {
  private let good = SyntheticELF.make(
    interpreter: "/lib64/ld-linux-x86-64.so.2", needed: ["libc.so.6", "libm.so.6"],
    runPath: "$ORIGIN/../lib:/opt/lib")

  @Test func readsInterpreterLibrariesAndRunPath() throws {
    let elf = try ELFFile(good)
    #expect(elf.interpreter == "/lib64/ld-linux-x86-64.so.2")
    #expect(elf.needed == ["libc.so.6", "libm.so.6"])
    #expect(elf.runPath == ["$ORIGIN/../lib", "/opt/lib"])
  }

  @Test func staticProgramNeedsNothing() throws {
    let elf = try ELFFile(try HostFiles.read("/usr/bin/busybox"))
    #expect(elf.interpreter == nil)
    #expect(elf.needed.isEmpty)
  }

  @Test func agreesWithTheHostsOwnPrograms() throws {
    let elf = try ELFFile(try HostFiles.read("/usr/sbin/qemu-ga"))
    #expect(elf.interpreter == "/lib64/ld-linux-x86-64.so.2")
    #expect(elf.needed.contains("libc.so.6"))
    #expect(elf.needed.contains("libglib-2.0.so.0"))
  }

  @Test func everyTruncationIsRefusedOrReadWithoutATrap() {
    for length in 0..<good.count {
      _ = try? ELFFile(Array(good[..<length]))
    }
    #expect(throws: ELFFile.Malformed.self) { try ELFFile([]) }
    #expect(throws: ELFFile.Malformed.self) { try ELFFile(Array(good[..<63])) }
    #expect(throws: ELFFile.Malformed.self) { try ELFFile(Array(good[..<100])) }
  }

  @Test func everyByteCanBeAnythingWithoutATrap() {
    for index in good.indices {
      for value: UInt8 in [0x00, 0x01, 0x7F, 0x80, 0xFF] {
        var bytes = good
        bytes[index] = value
        _ = try? ELFFile(bytes)
      }
    }
  }

  @Test func everyEightBytesCanBeTheLargestNumberWithoutATrap() {
    for index in 0..<(good.count - 8) {
      for value: UInt64 in [.max, .max - 7, 1 << 63, 1 << 32] {
        var bytes = good
        bytes.replaceSubrange(index..<(index + 8), with: SyntheticELF.number(value, 8))
        _ = try? ELFFile(bytes)
      }
    }
  }

  @Test func refusesMoreHeadersThanAnyProgramHas() {
    var bytes = good + [UInt8](repeating: 0, count: 56 * 5000)
    bytes.replaceSubrange(56..<58, with: SyntheticELF.number(5000, 2))
    #expect(throws: ELFFile.Malformed(description: "has 5000 program headers")) {
      try ELFFile(bytes)
    }
  }

  @Test func refusesOtherArchitectures() {
    var arm = good
    arm[18] = 183
    #expect(throws: ELFFile.Malformed.self) { try ELFFile(arm) }
    var small = good
    small[4] = 1
    #expect(throws: ELFFile.Malformed.self) { try ELFFile(small) }
  }

  @Test func refusesAStringOutsideOfItsTable() {
    var bytes = good
    // The value of the first DT_NEEDED.
    let place = SyntheticELF.dynamicOffset + 8
    bytes.replaceSubrange(place..<(place + 8), with: SyntheticELF.number(100_000, 8))
    #expect(throws: ELFFile.Malformed.self) { try ELFFile(bytes) }
  }
}
