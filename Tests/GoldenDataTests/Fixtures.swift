// SPDX-License-Identifier: Apache-2.0

import GoldenData

let current = GoldenFile(file: 1, generation: 2)
let older = GoldenFile(file: 1, generation: 1)
let newer = GoldenFile(file: 1, generation: 9)
let stranger = GoldenFile(file: 7, generation: 4)

/// `length` bytes of file 1, generation 2, from offset 0 on.
func wanted(_ length: UInt32) -> ExpectedContent {
  ExpectedContent(current, offset: 0, length: length)
}

/// Right content, with `range` overwritten.
func content(_ length: Int, with range: Range<Int>, _ bytes: [UInt8]) -> [UInt8] {
  var content = current.bytes(from: 0, count: length)
  content.replaceSubrange(range, with: bytes.prefix(range.count))
  return content
}

/// SplitMix64: the same numbers for the same seed, on every machine.
struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
