// SPDX-License-Identifier: Apache-2.0

extension PCIDump {
  /// Reads `Region 2: Memory at fe00000000 (64-bit, prefetchable) [size=268435456]`.
  ///
  /// Returns nil for any other indented line, which `lspci -v` has many of, and for a region
  /// without an address or size.
  static func region(
    _ line: some Collection<UInt8>
  ) throws(PCIDumpError) -> (index: Int, region: Region)? {
    let text = String(decoding: Array(line), as: UTF8.self)
    var words = text.split { $0 == " " || $0 == "\t" }[...]
    guard words.popFirst() == "Region" else { return nil }
    guard let number = words.popFirst(), number.last == ":",
      let index = UInt8(number.dropLast()), index < 6
    else { throw PCIDumpError(message: "a region needs a number from 0 to 5") }
    guard let at = words.firstIndex(of: "at"), words.indices.contains(at + 1) else {
      throw PCIDumpError(message: "region \(index) does not say where it is")
    }
    let place = words[at + 1]
    if place.first == "<" { return nil }
    guard let base = Hex.number(place.utf8) else {
      throw PCIDumpError(message: "region \(index) has no hexadecimal address")
    }
    guard let last = words.last, last.hasPrefix("[size="), last.hasSuffix("]") else { return nil }
    guard let size = size(last.dropFirst(6).dropLast()), size > 0 else {
      throw PCIDumpError(message: "region \(index) has no size in bytes")
    }
    guard !base.addingReportingOverflow(size - 1).overflow else {
      throw PCIDumpError(message: "region \(index) runs past the end of the address space")
    }
    return (Int(index), Region(base: base, size: size))
  }

  /// Bytes, or a number with `K`, `M`, `G` or `T`, which lspci writes.
  private static func size(_ text: Substring) -> UInt64? {
    let shifts: [Character: UInt64] = ["K": 10, "M": 20, "G": 30, "T": 40]
    guard let last = text.last, let shift = shifts[last] else { return UInt64(text) }
    guard let number = UInt64(text.dropLast()) else { return nil }
    let (bytes, overflow) = number.multipliedReportingOverflow(by: 1 << shift)
    return overflow ? nil : bytes
  }
}
