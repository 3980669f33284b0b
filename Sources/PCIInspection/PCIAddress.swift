// SPDX-License-Identifier: Apache-2.0

/// Where a PCI function is: domain, bus, device and function.
public struct PCIAddress: Sendable, Hashable, Comparable, CustomStringConvertible {
  /// The domain, which the kernel calls a segment.
  public let domain: UInt16
  /// The bus number.
  public let bus: UInt8
  /// The device number, 0 to 31.
  public let device: UInt8
  /// The function number, 0 to 7.
  public let function: UInt8

  /// What a device's requests on the bus bear: bus, device and function, without the domain
  /// (PCI Express Base Specification, "Transaction Descriptor").
  public var requesterID: UInt16 { UInt16(bus) << 8 | UInt16(device) << 3 | UInt16(function) }

  /// Makes an address; nil if the device is above 31 or the function above 7.
  public init?(domain: UInt16 = 0, bus: UInt8, device: UInt8, function: UInt8 = 0) {
    guard device < 32, function < 8 else { return nil }
    self.domain = domain
    self.bus = bus
    self.device = device
    self.function = function
  }

  /// Reads `0000:03:00.0` or `03:00.0`.
  public init?(parsing text: String) {
    let parts = text.utf8.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
    guard parts.count == 2 || parts.count == 3, let last = parts.last else { return nil }
    let place = last.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    guard place.count == 2,
      let bus = Hex.number(parts[parts.count - 2], digits: 2...2),
      let device = Hex.number(place[0], digits: 2...2),
      let function = Hex.number(place[1], digits: 1...1)
    else { return nil }
    var domain: UInt64 = 0
    if parts.count == 3 {
      guard let number = Hex.number(parts[0], digits: 4...4) else { return nil }
      domain = number
    }
    self.init(
      domain: UInt16(truncatingIfNeeded: domain), bus: UInt8(truncatingIfNeeded: bus),
      device: UInt8(truncatingIfNeeded: device), function: UInt8(truncatingIfNeeded: function))
  }

  /// `0000:03:00.0`.
  public var description: String {
    "\(Hex.text(domain, digits: 4)):\(Hex.text(bus, digits: 2)):\(Hex.text(device, digits: 2))"
      + ".\(function)"
  }

  /// Orders by domain, bus, device and function.
  public static func < (left: PCIAddress, right: PCIAddress) -> Bool {
    left.number < right.number
  }

  /// The four fields, most significant first.
  private var number: UInt32 {
    UInt32(domain) << 16 | UInt32(bus) << 8 | UInt32(device) << 3 | UInt32(function)
  }
}

extension PCIAddress: Codable {
  /// Reads the text form.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let text = try container.decode(String.self)
    guard let address = PCIAddress(parsing: text) else {
      throw DecodingError.dataCorruptedError(
        in: container, debugDescription: "`\(text.prefix(40))` is no PCI address")
    }
    self = address
  }

  /// Writes the text form.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}
