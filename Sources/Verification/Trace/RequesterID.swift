// SPDX-License-Identifier: Apache-2.0

/// Bus, device and function of who does a DMA, as 16 bits (PCIe Base 6.0, 2.2.6.2).
public struct RequesterID: Hashable, Sendable {
  /// Bus in the upper byte, then five bits of device and three of function.
  public var rawValue: UInt16

  /// A requester by its 16 bits.
  public init(_ rawValue: UInt16) {
    self.rawValue = rawValue
  }

  /// A requester by its parts.
  public init(bus: UInt8, device: UInt8, function: UInt8) {
    rawValue = UInt16(bus) << 8 | UInt16(device & 31) << 3 | UInt16(function & 7)
  }

  init?(bus: UInt64, device: UInt64, function: UInt64) {
    guard bus <= 255, device < 32, function < 8 else { return nil }
    self.init(UInt16(bus << 8 | device << 3 | function))
  }
}

extension RequesterID: CustomStringConvertible {
  /// `03:00.0`.
  public var description: String {
    let pad = { (value: UInt16) in (value < 16 ? "0" : "") + String(value, radix: 16) }
    return "\(pad(rawValue >> 8)):\(pad(rawValue >> 3 & 31)).\(rawValue & 7)"
  }
}
