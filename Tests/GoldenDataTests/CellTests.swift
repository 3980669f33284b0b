// SPDX-License-Identifier: Apache-2.0

import CDeviceABI
import GoldenData
import Testing

@Suite struct CellTests {
  @Test func encodesTheLayoutOfTheSharedHeader() {
    let bytes = Cell(file: 0x0201, generation: 0x0403, offset: 0x1020_3040).encoded
    #expect(bytes.prefix(12) == [0x40, 0x30, 0x20, 0x10, 0, 0, 0, 0, 0x01, 0x02, 0x03, 0x04])
    let check = crossbar_cell_check(0x1020_3040, 0x0201, 0x0403)
    #expect(Array(bytes.suffix(4)) == (0..<4).map { UInt8(truncatingIfNeeded: check >> (8 * $0)) })
  }

  @Test func checkIsTheHighHalfOfSplitMix64() {
    // Worked out with an independent implementation of the finaliser.
    #expect(crossbar_cell_check(0, 1, 1) == reference(0, 1, 1))
    #expect(crossbar_cell_check(4096, 2, 7) == reference(4096, 2, 7))
    #expect(crossbar_cell_check(.max - 15, 0xFFFF, 0xFFFF) == reference(.max - 15, 0xFFFF, 0xFFFF))
  }

  @Test(arguments: [0, 16, 4096, 0xFFFF_FFFF_FFFF_FFF0] as [UInt64])
  func decodesWhatItEncoded(offset: UInt64) {
    let cell = Cell(file: 9, generation: 3, offset: offset)
    #expect(Cell(decoding: cell.encoded) == cell)
  }

  @Test func decodesNoCellWithAFlippedBit() {
    let bytes = Cell(file: 9, generation: 3, offset: 4096).encoded
    for bit in 0..<128 {
      var broken = bytes
      broken[bit / 8] ^= 1 << UInt8(bit % 8)
      #expect(Cell(decoding: broken) == nil)
    }
  }

  @Test func decodesNothingOfAnotherSize() {
    let bytes = Cell(file: 9, generation: 3, offset: 4096).encoded
    #expect(Cell(decoding: bytes.dropLast()) == nil)
    #expect(Cell(decoding: bytes + [0]) == nil)
    #expect(Cell(decoding: []) == nil)
  }

  @Test func roundsAnOffsetDownToItsCell() {
    #expect(Cell(file: 1, generation: 1, offset: 4111).offset == 4096)
  }

  private func reference(_ offset: UInt64, _ file: UInt16, _ generation: UInt16) -> UInt32 {
    var z = offset ^ (UInt64(file) << 48) ^ (UInt64(generation) << 32) ^ 0x4352_4F53_5342_4152
    z ^= z >> 30
    z &*= 0xBF58_476D_1CE4_E5B9
    z ^= z >> 27
    z &*= 0x94D0_49BB_1331_11EB
    return UInt32((z ^ (z >> 31)) >> 32)
  }
}
