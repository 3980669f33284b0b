// SPDX-License-Identifier: Apache-2.0

/// A program says that what it wrote is durable: whatever happens to the guest from now on, it has to
/// be on the disk.
public struct Acknowledgment: Hashable, Sendable {
  /// Slots that a volume's file has.
  public static let slots = 16

  /// Number of the case that writes.
  public var n: Int
  /// Id of the namespace.
  public var volume: String
  /// Which part of the volume's file, from 0.
  public var slot: Int
  /// Generation of the cells in it.
  public var generation: UInt16

  /// An acknowledgment.
  public init(n: Int, volume: String, slot: Int, generation: UInt16) {
    self.n = n
    self.volume = volume
    self.slot = slot
    self.generation = generation
  }
}
