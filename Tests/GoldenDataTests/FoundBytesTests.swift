// SPDX-License-Identifier: Apache-2.0

import GoldenData
import Testing

@Suite struct FoundBytesTests {
  @Test func saysWhatBytesAre() {
    #expect(FoundBytes([0, 0, 0]).description == "zeros")
    #expect(FoundBytes([0xFF, 0xFF]).description.contains("master abort"))
    #expect(FoundBytes([0xA5, 0xA5]).description.contains("never written"))
    #expect(FoundBytes([0x5A, 0x5A]).description == "all 0x5A")
    #expect(FoundBytes([]).description == "nothing")
    #expect(FoundBytes([1, 2]).description == "bytes of no golden file (01 02)")
    let cells = stranger.bytes(from: 4096, count: 32)
    #expect(FoundBytes(cells).description == "file 7, generation 4, offset 4096")
    #expect(
      FoundBytes([9, 9, 9] + cells).description
        == "file 7, generation 4, offset 4096 (from byte 3 on)")
  }

  @Test func readsHexadecimalText() {
    #expect(FoundBytes(hexadecimal: "00fFa5", limit: 3)?.bytes == [0, 0xFF, 0xA5])
    #expect(FoundBytes(hexadecimal: "", limit: 3)?.bytes == [])
    for text in ["0", "0g", "00000000", "é0", "+1"] {
      #expect(FoundBytes(hexadecimal: text, limit: 3) == nil)
    }
  }

  @Test func findsTheExtentBehindAHole() throws {
    let map = try #require(
      ExtentMap([
        Extent(fileOffset: 0, diskOffset: 0, length: 4096),
        Extent(fileOffset: 8192, diskOffset: 4096, length: 4096),
      ]))
    #expect(map.index(of: 4096) == nil)
    #expect(map.start(behind: 4096) == 8192)
    #expect(map.start(behind: 8192) == nil)
  }
}
