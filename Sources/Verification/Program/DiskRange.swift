// SPDX-License-Identifier: Apache-2.0

/// A stretch of a namespace, in bytes.
public struct DiskRange: Hashable, Sendable {
  /// First byte.
  public let offset: UInt64
  /// Length in bytes.
  public let length: UInt64

  /// `length` bytes from `offset` on; nil when they end beyond 2^63.
  public init?(offset: UInt64, length: UInt64) {
    let limit = UInt64(Int64.max)
    guard length <= limit, offset <= limit - length else { return nil }
    self.offset = offset
    self.length = length
  }

  /// The first byte behind.
  public var end: UInt64 { offset + length }
}

/// The blocks that a phase had to move in one direction, from or to one namespace.
public struct Transfer: Hashable, Sendable {
  /// Off the disk or onto it.
  public let direction: TransferDirection
  /// The namespace; unique in the whole guest.
  public let nsid: UInt32
  /// Written and mapped blocks only, in file order.
  public let ranges: [DiskRange]

  /// A transfer of `ranges`.
  public init(direction: TransferDirection, nsid: UInt32, ranges: [DiskRange]) {
    self.direction = direction
    self.nsid = nsid
    self.ranges = ranges
  }

  /// Sum of all lengths, in bytes.
  public var bytes: UInt64 { ranges.reduce(0) { $0 &+ $1.length } }
}
