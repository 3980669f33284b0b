// SPDX-License-Identifier: Apache-2.0

import CPeerGPU
import Testing

@Suite struct ChecksumTests {
  /// RFC 3720, B.4, and the check value of the CRC catalogue.
  static let vectors: [([UInt8], UInt32)] = [
    (Array("123456789".utf8), 0xE306_9283),
    ([UInt8](repeating: 0, count: 32), 0x8A91_36AA),
    ([UInt8](repeating: 0xff, count: 32), 0x62A8_AB43),
    (Array(0..<32), 0x46DD_794E),
    (Array((0..<32).reversed()), 0x113F_DB5C),
    ([], 0),
  ]

  @Test(arguments: vectors)
  func knownVectorsComeOut(bytes: [UInt8], expected: UInt32) {
    #expect(crossbar_crc32c(0, bytes, bytes.count) == expected)
    #expect(crossbar_crc32c_tables(0, bytes, bytes.count) == expected)
  }

  /// Sizes around those of the interleaved streams, at odd addresses.
  @Test(arguments: [1, 7, 8, 767, 768, 769, 24575, 24576, 24577, 100_003])
  func instructionsAgreeWithTables(count: Int) {
    let bytes = randomBytes(count + 3, seed: UInt64(count))
    bytes.withUnsafeBytes { buffer in
      for offset in 0...3 {
        let start = buffer.baseAddress.map { $0 + offset }
        #expect(
          crossbar_crc32c(0x1234, start, count) == crossbar_crc32c_tables(0x1234, start, count))
      }
    }
  }

  @Test func aChecksumIsContinued() {
    let bytes = randomBytes(60_000, seed: 1)
    let whole = crossbar_crc32c(0, bytes, bytes.count)
    bytes.withUnsafeBytes { buffer in
      guard let start = buffer.baseAddress else { return }
      for cut in [0, 1, 4096, 59_999] {
        let first = crossbar_crc32c(0, start, cut)
        #expect(crossbar_crc32c(first, start + cut, bytes.count - cut) == whole)
      }
    }
  }
}
