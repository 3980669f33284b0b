// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Numbers as a person reads them.
enum Figures {
  /// Bytes in binary units: `4 KiB`, `32 MiB`, `1000 B`.
  static func bytes(_ count: UInt64) -> String {
    for (unit, shift) in [("GiB", 30), ("MiB", 20), ("KiB", 10)] as [(String, UInt64)]
    where count >= 1 << shift {
      let whole = count >> shift
      if count == whole << shift { return "\(whole) \(unit)" }
      return String(format: "%.1f \(unit)", Double(count) / Double(UInt64(1) << shift))
    }
    return "\(count) B"
  }

  /// Seconds with a unit that leaves three digits: `0.84 ms`, `2.31 s`.
  static func seconds(_ value: Double) -> String {
    guard value < 1 else { return String(format: "%.2f s", value) }
    return String(format: value < 0.1 ? "%.2f ms" : "%.0f ms", value * 1000)
  }
}
