// SPDX-License-Identifier: Apache-2.0

import GoldenData
import Testing

@Suite struct ContentDifferenceTests {
  @Test func findsThePeriod() throws {
    var bytes = current.bytes(from: 0, count: 64 << 10)
    for block in stride(from: 4096, to: bytes.count, by: 8192) {
      bytes.replaceSubrange(block..<(block + 512), with: [UInt8](repeating: 0, count: 512))
    }
    let difference = try #require(ContentComparison.difference(of: bytes, from: wanted(64 << 10)))
    #expect(difference.count == 8)
    #expect(difference.period == 8192)
    #expect(difference.wrongBytes == 8 * 512)
    #expect(difference.blocks.map(\.lowerBound) == [1, 3, 5, 7, 9, 11, 13, 15])
    #expect(difference.last?.range.lowerBound == 61440)
    #expect(difference.description.contains("8 places in all, 4096 of 65536 bytes"))
    #expect(difference.description.contains("one every 8192 bytes, 4 KiB blocks 1 3 5"))
  }

  @Test func knowsNoPeriodOfIrregularMismatches() throws {
    var bytes = current.bytes(from: 0, count: 64 << 10)
    for offset in [0, 4096, 12288] { bytes[offset + 3] ^= 1 }
    let difference = try #require(ContentComparison.difference(of: bytes, from: wanted(64 << 10)))
    #expect(difference.count == 3)
    #expect(difference.period == nil)
  }

  @Test func keepsTheFirstMismatchesOnly() throws {
    var bytes = current.bytes(from: 0, count: 1 << 20)
    for offset in stride(from: 7, to: bytes.count, by: 64) { bytes[offset] ^= 0x10 }
    let difference = try #require(ContentComparison.difference(of: bytes, from: wanted(1 << 20)))
    #expect(difference.count == 16384)
    #expect(difference.first.count == ContentDifference.keptMismatches)
    #expect(difference.blockCount == 256)
    #expect(difference.blocks == [0..<256])
  }

  @Test func namesExtentAndDiskBlock() throws {
    let map = try #require(
      ExtentMap([
        Extent(fileOffset: 8192, diskOffset: 1 << 20, length: 8192, unwritten: true),
        Extent(fileOffset: 0, diskOffset: 40960, length: 8192),
      ]))
    let bytes = content(16384, with: 4096..<12288, .init(repeating: 0xFF, count: 8192))
    let difference = try #require(ContentComparison.difference(of: bytes, from: wanted(16384)))
    #expect(
      difference.explanation(extents: map).hasPrefix(
        "8192 bytes at offset 4096 (extent 0, disk block 11) are all ones"))
    #expect(map.place(of: 8192) == "unwritten extent 1, disk block 256")
    #expect(map.place(of: 16384) == "in a hole")
  }

  @Test func refusesOverlappingExtents() {
    #expect(
      ExtentMap([
        Extent(fileOffset: 0, diskOffset: 0, length: 8192),
        Extent(fileOffset: 4096, diskOffset: 65536, length: 4096),
      ]) == nil)
    #expect(ExtentMap([Extent(fileOffset: .max, diskOffset: 0, length: 1)]) == nil)
    #expect(ExtentMap([Extent(fileOffset: 0, diskOffset: .max, length: 1)]) == nil)
  }

  @Test func refusesContentLongerThanAnyFile() {
    #expect(
      ExpectedContent([
        Segment(length: .max, kind: .zeros), Segment(length: 2, kind: .zeros),
      ]) == nil)
  }
}
