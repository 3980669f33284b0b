// SPDX-License-Identifier: Apache-2.0

/// A Base Address Register with an address in it (PCIe 6.0, 7.5.1.2.1).
public struct PCIBAR: Sendable, Hashable, Codable {
  /// The number of the (lower) register, 0 to 5.
  public let index: Int
  /// The bus address of the first byte.
  public let base: UInt64
  /// Bytes; nil if the dump does not say.
  public let size: UInt64?
  /// What kind of address space it is in.
  public let space: Space
  /// Whether reads have no side effects.
  public let isPrefetchable: Bool

  /// Makes a BAR.
  public init(index: Int, base: UInt64, size: UInt64?, space: Space, isPrefetchable: Bool) {
    self.index = index
    self.base = base
    self.size = size
    self.space = space
    self.isPrefetchable = isPrefetchable
  }

  /// The kinds of address spaces.
  public enum Space: String, Sendable, Hashable, Codable {
    /// I/O ports.
    case io
    /// Memory below 4 GiB.
    case memory32
    /// Memory anywhere.
    case memory64
  }

  /// The bus addresses that the BAR decodes; nil if its size isn't known, or if it would run past
  /// the end of the address space.
  public var range: Range<UInt64>? {
    guard let size else { return nil }
    let (end, overflow) = base.addingReportingOverflow(size)
    return overflow ? nil : base..<end
  }

  /// Whether a bus address is inside.
  public func contains(_ busAddress: UInt64) -> Bool {
    space != .io && range?.contains(busAddress) == true
  }
}
