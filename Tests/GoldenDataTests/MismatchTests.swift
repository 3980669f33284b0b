// SPDX-License-Identifier: Apache-2.0

import GoldenData
import Testing

@Suite struct MismatchTests {
  @Test func equalContentHasNoDifference() {
    let size: UInt32 = 3 * 65536 + 4096 + 1000
    #expect(
      ContentComparison.difference(of: current.bytes(from: 0, count: Int(size)), from: wanted(size))
        == nil)
  }

  @Test func namesZeros() throws {
    let mismatch = try only(content(16384, with: 4096..<8192, .init(repeating: 0, count: 4096)))
    #expect(mismatch.cause == .zeros)
    #expect(mismatch.range == 4096..<8192)
    #expect(mismatch.tear == nil)
    #expect(
      mismatch.description == "4096 bytes at offset 4096 are zeros where file 1, generation 2, "
        + "offset 4096 belongs")
  }

  @Test func namesAllOnesAsMasterAbort() throws {
    let mismatch = try only(content(16384, with: 0..<4096, .init(repeating: 0xFF, count: 4096)))
    #expect(mismatch.cause == .ones)
    #expect(mismatch.description.contains("master abort"))
  }

  @Test func namesPoisonAsNeverWritten() throws {
    let mismatch = try only(content(16384, with: 0..<16384, .init(repeating: 0xA5, count: 16384)))
    #expect(mismatch.cause == .poison)
    #expect(mismatch.range == 0..<16384)
    #expect(mismatch.description.contains("never written"))
  }

  @Test func namesAnyOtherRepeatedByte() throws {
    let mismatch = try only(content(16384, with: 0..<512, .init(repeating: 0x5A, count: 512)))
    #expect(mismatch.cause == .filled(0x5A))
    #expect(mismatch.description.contains("are all 0x5A"))
  }

  @Test func namesTheStaleGeneration() throws {
    let mismatch = try only(
      content(16384, with: 4096..<8192, older.bytes(from: 4096, count: 4096)))
    #expect(mismatch.cause == .staleGeneration(1))
    #expect(mismatch.range == 4096..<8192)
    #expect(mismatch.description.contains("are stale: generation 1 where file 1, generation 2"))
  }

  @Test func namesANewerGeneration() throws {
    let mismatch = try only(
      content(16384, with: 4096..<8192, newer.bytes(from: 4096, count: 4096)))
    #expect(mismatch.cause == .newerGeneration(9))
  }

  @Test func namesAnotherFilesBlockAndItsOffset() throws {
    let mismatch = try only(
      content(16384, with: 4096..<8192, stranger.bytes(from: 65536, count: 4096)))
    #expect(
      mismatch.cause == .otherFile(Cell(file: 7, generation: 4, offset: 65536)))
    #expect(mismatch.description.contains("are file 7, generation 4, offset 65536 where"))
  }

  @Test func namesAnotherOffsetOfTheSameFile() throws {
    let mismatch = try only(
      content(16384, with: 4096..<8192, current.bytes(from: 12288, count: 4096)))
    #expect(mismatch.cause == .otherOffset(generation: 2, offset: 12288))
    #expect(mismatch.range == 4096..<8192)
  }

  @Test func namesTheFlippedBit() throws {
    var bytes = current.bytes(from: 0, count: 8192)
    bytes[5000] ^= 0x08
    let mismatch = try only(bytes)
    #expect(mismatch.cause == .bitFlip(bit: 3))
    #expect(mismatch.range == 5000..<5001)
    let right = current.bytes(from: 5000, count: 1)[0]
    let hex = { (byte: UInt8) in "0x" + String(byte + 0, radix: 16, uppercase: true).padded }
    #expect(
      mismatch.description.hasPrefix(
        "bit 3 of the byte at offset 5000 is flipped: \(hex(right ^ 8)) instead of \(hex(right))"))
  }

  @Test func namesForeignBytesExactly() throws {
    let mismatch = try only(content(8192, with: 5001..<5008, [1, 2, 3, 0x44, 5, 0x66, 7]))
    #expect(mismatch.cause == .foreign)
    #expect(mismatch.tear == nil)
    #expect(mismatch.range.lowerBound >= 5001 && mismatch.range.upperBound <= 5008)
    #expect(mismatch.description.contains("of no golden file (01 02 03"))
  }

  @Test func foreignBytesOverManyCellsAreOneMismatch() throws {
    var generator = SeededGenerator(state: 1)
    let noise = (0..<8192).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    let mismatch = try only(content(16384, with: 4096..<12288, noise))
    #expect(mismatch.cause == .foreign)
    #expect(mismatch.found.count == 32)
    #expect(mismatch.range.lowerBound < 4112 && mismatch.range.upperBound > 12272)
  }

  @Test(arguments: [16, 4096 + 32, 4096 + 512, 8192])
  func tellsWhereNewMeetsStale(edge: Int) throws {
    let bytes =
      current.bytes(from: 0, count: edge)
      + older.bytes(from: UInt64(edge), count: 16384 - edge)
    let mismatch = try only(bytes)
    #expect(mismatch.cause == .staleGeneration(1))
    #expect(mismatch.tear == .wrongFrom(UInt64(edge)))
    #expect(mismatch.description.hasPrefix("torn at byte \(edge): right before it, then"))
  }

  @Test func tellsWhereStaleMeetsNew() throws {
    let bytes = older.bytes(from: 0, count: 1024) + current.bytes(from: 1024, count: 7168)
    let mismatch = try only(bytes)
    #expect(mismatch.tear == .rightFrom(1024))
    #expect(mismatch.description.hasPrefix("torn at byte 1024: 1024 bytes at offset 0 are stale"))
  }

  @Test func tellsTheByteWithinACellAtWhichZerosStart() throws {
    // Byte 8 of a cell is the file number, which is not zero.
    let bytes = content(8192, with: 4104..<8192, .init(repeating: 0, count: 4088))
    let mismatch = try only(bytes)
    #expect(mismatch.cause == .zeros)
    #expect(mismatch.tear == .wrongFrom(4104))
    #expect(mismatch.range == 4104..<8192)
  }

  @Test func tellsTheByteWithinACellAtWhichAnotherFileStarts() throws {
    let other = stranger.bytes(from: 65536, count: 4096)
    let mismatch = try only(content(8192, with: 4104..<8192, Array(other[8...])))
    #expect(mismatch.tear == .wrongFrom(4104))
    #expect(mismatch.cause == .otherFile(Cell(file: 7, generation: 4, offset: 65536)))
    #expect(mismatch.range == 4104..<8192)
  }

  @Test func tellsTheByteWithinACellAtWhichWrongContentEnds() throws {
    let other = stranger.bytes(from: 0x1000_0000, count: 40)
    let mismatch = try only(content(8192, with: 0..<40, other))
    #expect(mismatch.tear == .rightFrom(mismatch.range.upperBound))
    #expect((33...40).contains(mismatch.range.upperBound))
  }

  @Test func damageInTheMiddleOfABlockIsNotTorn() throws {
    let mismatch = try only(content(8192, with: 512..<1024, .init(repeating: 0, count: 512)))
    #expect(mismatch.cause == .zeros)
    #expect(mismatch.tear == nil)
  }

  @Test func seesStaleContentInAPartialLastCell() throws {
    let bytes = current.bytes(from: 0, count: 4096) + older.bytes(from: 4096, count: 15)
    let mismatch = try only(bytes)
    #expect(mismatch.cause == .staleGeneration(1))
    #expect(mismatch.range == 4096..<4111)
  }

  @Test func namesACellWhereAHolesZerosBelong() throws {
    let expected = try #require(
      ExpectedContent([
        Segment(length: 4096, kind: .cells(current, offset: 0)),
        Segment(length: 8192, kind: .zeros),
      ]))
    let bytes = current.bytes(from: 0, count: 4096) + stranger.bytes(from: 4096, count: 8192)
    let difference = try #require(ContentComparison.difference(of: bytes, from: expected))
    #expect(difference.count == 1)
    #expect(difference.first.first?.expected == .zeros)
    #expect(
      difference.description.contains("file 7, generation 4, offset 4096 where zeros belong"))
  }

  @Test func namesOverwrittenPoison() throws {
    let expected = try #require(ExpectedContent([Segment(length: 64, kind: .byte(0xA5))]))
    let difference = ContentComparison.difference(
      of: .init(repeating: 0, count: 64), from: expected)
    #expect(
      difference?.description
        == "64 bytes at offset 0 are zeros where untouched poison (0xA5) belongs")
  }

  @Test func namesMissingAndExcessBytes() {
    let bytes = current.bytes(from: 0, count: 8192)
    let short = ContentComparison.difference(of: bytes, from: wanted(10000))
    #expect(
      short?.description == "1808 bytes at offset 8192 are missing: the content ends too early")
    let long = ContentComparison.difference(of: bytes, from: wanted(8000))
    #expect(long?.description == "192 bytes at offset 8000 are beyond the end of the content")
  }

  private func only(_ bytes: [UInt8]) throws -> Mismatch {
    let difference = try #require(
      ContentComparison.difference(of: bytes, from: wanted(UInt32(bytes.count))))
    #expect(difference.count == 1, "\(difference)")
    return try #require(difference.first.first)
  }
}

extension String {
  fileprivate var padded: String { count < 2 ? "0" + self : self }
}
