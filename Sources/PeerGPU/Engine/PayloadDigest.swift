// SPDX-License-Identifier: Apache-2.0

import CPeerGPU

/// CRC32C of what a command took and of what it gave, which the access log has at its fence.
///
/// They are computed where the data enter and leave the engine's buffer, as a guard tag is on a link:
/// what changes data in between shows, what is wrong before or behind does not.
struct PayloadDigest {
  /// Of what came from the source, or from the command itself.
  private(set) var taken: UInt32 = 0
  /// Of what went to the target, or what the source was compared with.
  private(set) var given: UInt32 = 0

  mutating func take(_ bytes: UnsafeMutableRawBufferPointer) {
    taken = crossbar_crc32c(taken, bytes.baseAddress, bytes.count)
  }

  mutating func give(_ bytes: UnsafeMutableRawBufferPointer) {
    given = crossbar_crc32c(given, bytes.baseAddress, bytes.count)
  }

  /// A checksum is all that the command gives.
  mutating func give(checksum: UInt32) {
    given = checksum
  }
}
