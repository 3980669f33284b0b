// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Numbers as a person reads them.
enum Figures {
  private static let units: [(name: String, shift: UInt64)] = [
    ("GiB", 30), ("MiB", 20), ("KiB", 10),
  ]

  /// Bytes in binary units: `4 KiB`, `32 MiB`, `1000 B`.
  static func bytes(_ count: UInt64) -> String {
    for (name, shift) in units where count >= 1 << shift {
      let whole = count >> shift
      if count == whole << shift { return "\(whole) \(name)" }
      return "\(decimal(Double(count) / Double(UInt64(1) << shift), places: 1)) \(name)"
    }
    return "\(count) B"
  }

  /// Bytes in at most eight columns: `593 KiB`, `1.7 MiB`, `1023 KiB`.
  static func roundBytes(_ count: UInt64) -> String {
    for (name, shift) in units where count >= 1 << shift {
      let value = Double(count) / Double(UInt64(1) << shift)
      let isWhole = count & ((1 << shift) - 1) == 0
      return "\(decimal(value, places: value < 9.95 && !isWhole ? 1 : 0)) \(name)"
    }
    return "\(count) B"
  }

  /// Seconds with a unit that leaves three digits: `84 µs`, `0.84 ms`, `23.1 ms`, `2.31 s`.
  static func seconds(_ value: Double) -> String {
    guard value.isFinite, value >= 0 else { return "?" }
    if value >= 0.9995 { return "\(digits(value)) s" }
    return value >= 0.0001 ? "\(digits(value * 1000)) ms" : "\(digits(value * 1e6)) µs"
  }

  private static func digits(_ value: Double) -> String {
    decimal(value, places: value < 9.995 ? 2 : value < 99.95 ? 1 : 0)
  }

  /// How many times faster: `3.4×`.
  static func ratio(_ slow: Double, to fast: Double) -> String? {
    guard fast > 0, slow > 0, slow.isFinite, fast.isFinite else { return nil }
    let ratio = slow / fast
    return "\(decimal(ratio, places: ratio < 10 ? 1 : 0))×"
  }

  /// A count with its noun: `1 case`, `3 cases`.
  static func count(_ number: Int, _ noun: String, plural: String? = nil) -> String {
    "\(number) \(number == 1 ? noun : plural ?? noun + "s")"
  }

  static func decimal(_ value: Double, places: Int) -> String {
    String(format: "%.\(places)f", value)
  }
}
