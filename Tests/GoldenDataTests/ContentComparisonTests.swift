// SPDX-License-Identifier: Apache-2.0

import GoldenData
import Testing

@Suite struct ContentComparisonTests {
  @Test func piecesOfAnySizeGiveTheSameDifference() throws {
    var generator = SeededGenerator(state: 42)
    var bytes = current.bytes(from: 0, count: 40000)
    bytes.replaceSubrange(4100..<9000, with: older.bytes(from: 4100, count: 4900))
    bytes[20000] ^= 0x80
    bytes.replaceSubrange(30000..<30020, with: [UInt8](repeating: 0, count: 20))
    let whole = try #require(ContentComparison.difference(of: bytes, from: wanted(40000)))
    for _ in 0..<50 {
      var comparison = ContentComparison(expected: wanted(40000))
      var rest = bytes[...]
      while !rest.isEmpty {
        let piece = rest.prefix(Int.random(in: 1...9000, using: &generator))
        comparison.take(Array(piece))
        rest = rest.dropFirst(piece.count)
      }
      let pieces = comparison.finish()
      #expect(pieces == whole)
    }
  }

  @Test func segmentsMayStartAndEndAnywhere() throws {
    var generator = SeededGenerator(state: 7)
    for _ in 0..<100 {
      let segments = (0..<6).map { _ in
        let kind: Segment.Kind =
          switch Int.random(in: 0..<3, using: &generator) {
          case 0: .zeros
          case 1: .byte(0xA5)
          default: .cells(stranger, offset: .random(in: 0...100_000, using: &generator))
          }
        return Segment(length: .random(in: 0...6000, using: &generator), kind: kind)
      }
      let expected = try #require(ExpectedContent(segments))
      var bytes = expected.bytes()
      #expect(ContentComparison.difference(of: bytes, from: expected) == nil)
      guard !bytes.isEmpty else { continue }
      let victim = Int.random(in: 0..<bytes.count, using: &generator)
      bytes[victim] ^= 0x40
      let difference = try #require(ContentComparison.difference(of: bytes, from: expected))
      #expect(difference.first.first?.range == UInt64(victim)..<UInt64(victim + 1))
      #expect(difference.first.first?.cause == .bitFlip(bit: 6))
    }
  }

  @Test func everyWrongByteIsInsideOfAMismatch() throws {
    var generator = SeededGenerator(state: 99)
    for round in 0..<150 {
      let size = Int.random(in: 1...9000, using: &generator)
      let right = current.bytes(from: 0, count: size)
      var bytes = right
      for _ in 0..<Int.random(in: 1...4, using: &generator) {
        let start = Int.random(in: 0..<size, using: &generator)
        let end = Int.random(in: start..<size, using: &generator) + 1
        let source: [UInt8] =
          switch Int.random(in: 0..<5, using: &generator) {
          case 0: older.bytes(from: UInt64(start), count: end - start)
          case 1: stranger.bytes(from: UInt64(start + 77), count: end - start)
          case 2: .init(repeating: 0, count: end - start)
          case 3: current.bytes(from: 512, count: end - start)
          default: (start..<end).map { _ in .random(in: 0...255, using: &generator) }
          }
        bytes.replaceSubrange(start..<end, with: source)
      }
      let difference = ContentComparison.difference(of: bytes, from: wanted(UInt32(size)))
      guard bytes != right else {
        #expect(difference == nil)
        continue
      }
      let found = try #require(difference)
      let firstWrong = zip(bytes, right).enumerated().first { $0.element.0 != $0.element.1 }
      let first = try #require(found.first.first)
      #expect(first.range.contains(UInt64(firstWrong?.offset ?? -1)), "round \(round)")
      if found.count <= ContentDifference.keptMismatches {
        for (offset, pair) in zip(bytes, right).enumerated() where pair.0 != pair.1 {
          #expect(found.first.contains { $0.range.contains(UInt64(offset)) }, "round \(round)")
        }
      }
      _ = found.description
    }
  }

  @Test func aWholeWrongFileIsOneMismatch() throws {
    var comparison = ContentComparison(expected: wanted(8 << 20))
    let piece = [UInt8](repeating: 0xFF, count: 1 << 20)
    for _ in 0..<8 { comparison.take(piece) }
    let result = comparison.finish()
    let difference = try #require(result)
    #expect(difference.count == 1)
    #expect(difference.first.first?.range == 0..<(8 << 20))
    #expect(difference.blockCount == 2048)
  }
}
