// SPDX-License-Identifier: Apache-2.0

/// What an NVMe controller moved during a case, in bytes, by QEMU's account.
public struct ControllerTraffic: Sendable, Hashable, Codable {
  /// Off the disk into its own BAR: blocks that peers can reach from then on.
  public var filled: UInt64 = 0
  /// Out of its own BAR onto the disk: what peers wrote.
  public var writtenBack: UInt64 = 0
  /// From or to BARs of other devices.
  public var otherBARs: UInt64 = 0
  /// From or to system memory: the page cache, direct I/O, the file system's own blocks.
  public var memory: UInt64 = 0
  /// From or to addresses that belong to nothing known.
  public var elsewhere: UInt64 = 0
  /// Of commands that it refused: nothing moved.
  public var refused: UInt64 = 0

  /// Nothing.
  public init() {}

  /// What moved between the disk and its own BAR.
  public var ownBAR: UInt64 { filled &+ writtenBack }

  /// What moved from or to any BAR.
  public var anyBAR: UInt64 { ownBAR &+ otherBARs }

  mutating func add(
    _ bytes: UInt64, _ direction: TransferDirection, at place: BusPlace, of controller: String
  ) {
    switch place {
    case .peer(controller) where direction == .read: filled &+= bytes
    case .peer(controller): writtenBack &+= bytes
    case .peer: otherBARs &+= bytes
    case .memory: memory &+= bytes
    case .other, .untranslated: elsewhere &+= bytes
    }
  }
}
