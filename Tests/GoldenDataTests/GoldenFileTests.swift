// SPDX-License-Identifier: Apache-2.0

import GoldenData
import Testing

@Suite struct GoldenFileTests {
  let file = GoldenFile(file: 3, generation: 2)

  @Test func isARowOfCells() {
    let bytes = file.bytes(from: 4096, count: 64)
    for index in 0..<4 {
      let cell = Cell(decoding: bytes[(index * 16)..<(index * 16 + 16)])
      #expect(cell == Cell(file: 3, generation: 2, offset: 4096 + UInt64(index) * 16))
    }
  }

  @Test func fillsFromAndToAnyByte() {
    let whole = file.bytes(from: 0, count: 128)
    for start in 0..<40 {
      for count in 0..<40 {
        #expect(
          file.bytes(from: UInt64(start), count: count) == Array(whole[start..<(start + count)]))
      }
    }
  }

  @Test func anEmptyBufferStaysEmpty() {
    #expect(file.bytes(from: 5, count: 0).isEmpty)
    #expect(file.bytes(from: 5, count: -1).isEmpty)
  }

  @Test func wrapsAtTheEndOfAllOffsets() {
    #expect(file.bytes(from: .max, count: 17).suffix(16) == file.bytes(from: 0, count: 16)[...])
  }

  @Test func theGoldenImageFilesHaveAPartialLastCell() {
    #expect(GoldenImageFile.golden.size == 33_567_720)
    #expect(GoldenImageFile.golden.size % 4096 == 1000)
    #expect(GoldenImageFile.golden.size % 16 == 8)
    #expect(GoldenImageFile.golden.path == "/golden.bin")
    #expect(GoldenImageFile.small.size == 1 << 20)
    #expect(GoldenImageFile.all.map(\.content.file) == [1, 2])
  }
}
