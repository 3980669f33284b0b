// SPDX-License-Identifier: Apache-2.0

/// The bus numbers of a bridge (PCIe 6.0, 7.5.1.3.2 to 7.5.1.3.4).
public struct PCIBusNumbers: Sendable, Hashable, Codable {
  /// The bus that the bridge is on.
  public let primary: UInt8
  /// The bus right below.
  public let secondary: UInt8
  /// The highest bus below.
  public let subordinate: UInt8

  /// Makes bus numbers.
  public init(primary: UInt8, secondary: UInt8, subordinate: UInt8) {
    self.primary = primary
    self.secondary = secondary
    self.subordinate = subordinate
  }
}
