// SPDX-License-Identifier: Apache-2.0

import CPeerGPU

/// The same commands with digests of what they take and give. All data pass through a buffer, so
/// that a digest is one of the very bytes that went on: memory that is mapped may change any time.
extension DataMover {
  /// COPY: the sources' bytes to the targets.
  mutating func copyWithDigest() throws(DMAError) {
    let buffer = bounce.first(Self.length(of: sources))
    try gather(sources, into: buffer)
    digest?.take(buffer)
    flipBit(of: buffer)
    digest?.give(buffer)
    try scatter(buffer, to: targets)
  }

  /// FILL: the pattern's bytes in turn, the first run's beginning at byte `phase` of them.
  mutating func fillWithDigest(_ pattern: UInt64, phase: UInt64) throws(DMAError) {
    let buffer = bounce.first(Self.length(of: targets))
    ByteLoops.fill(buffer, Self.turned(pattern, by: phase))
    digest?.take(buffer)
    flipBit(of: buffer)
    digest?.give(buffer)
    try scatter(buffer, to: targets)
  }

  /// CRC32C: continues `checksum` with the sources' bytes.
  mutating func checksumWithDigest(_ checksum: UInt32) throws(DMAError) -> UInt32 {
    let buffer = bounce.first(Self.length(of: sources))
    try gather(sources, into: buffer)
    digest?.take(buffer)
    flipBit(of: buffer)
    let checksum = crossbar_crc32c(checksum, buffer.baseAddress, buffer.count)
    digest?.give(checksum: checksum)
    return checksum
  }

  /// COMPARE: bytes before the first difference of sources and targets, nil if there is none.
  mutating func compareWithDigest() throws(DMAError) -> Int? {
    let left = bounce.first(Self.length(of: sources))
    let right = bounce.second(left.count)
    try gather(sources, into: left)
    try gather(targets, into: right)
    digest?.take(left)
    digest?.give(right)
    flipBit(of: left)
    return ByteLoops.difference(left.baseAddress, right.baseAddress, left.count)
  }

  private static func length(of accesses: [Access]) -> Int {
    accesses.reduce(0) { $0 &+ $1.length }
  }

  private mutating func gather(
    _ accesses: [Access], into buffer: UnsafeMutableRawBufferPointer
  ) throws(DMAError) {
    pieces.list(accesses)
    for piece in ordered() {
      let part = UnsafeMutableRawBufferPointer(
        rebasing: buffer[piece.at..<piece.at + piece.count])
      try read(accesses[piece.source], piece.sourceOffset, part)
    }
  }

  private mutating func scatter(
    _ buffer: UnsafeMutableRawBufferPointer, to accesses: [Access]
  ) throws(DMAError) {
    pieces.list(accesses)
    for piece in ordered() {
      let part = UnsafeRawBufferPointer(rebasing: buffer[piece.at..<piece.at + piece.count])
      try write(accesses[piece.target], piece.targetOffset, part)
    }
  }

  /// The injected fault, as a wrong bit in the engine's buffer: at the same place for either side.
  private func flipBit(of buffer: UnsafeMutableRawBufferPointer) {
    guard let flip else { return }
    let before = (flip.isSource ? sources : targets)[..<flip.index].reduce(0) { $0 &+ $1.length }
    let at = before &+ Int(truncatingIfNeeded: flip.bit / 8)
    if at < buffer.count { buffer[at] ^= 1 &<< UInt8(flip.bit & 7) }
  }
}
