// SPDX-License-Identifier: Apache-2.0

import Foundation
import Verification

/// Time of the direct path and of the fallback by size, both logarithmic, as coordinates of a picture.
struct TimePlot {
  /// A measurement.
  struct Point {
    let x: String
    let y: String
    let label: String
  }

  /// A line of the grid with its label.
  struct Tick {
    let position: String
    let label: String
  }

  static let width = 720.0
  static let height = 300.0
  private static let left = 64.0
  private static let right = 704.0
  private static let top = 12.0
  private static let bottom = 262.0

  let direct: [Point]
  let fallback: [Point]
  let sizes: [Tick]
  let times: [Tick]

  /// Nil when fewer than two sizes were measured on both paths.
  init?(_ cases: [CaseRecord]) {
    let pairs = cases.compactMap { item -> (CaseRecord, PhaseRecord, PhaseRecord)? in
      guard let direct = item.phase(.direct), let fallback = item.phase(.fallback),
        direct.errno == 0, fallback.errno == 0, direct.bytes > 0, fallback.bytes > 0,
        Self.isDrawable(direct.seconds), Self.isDrawable(fallback.seconds)
      else { return nil }
      return (item, direct, fallback)
    }
    let phases = pairs.flatMap { [$0.1, $0.2] }
    guard Set(phases.map(\.bytes)).count >= 2, let least = phases.map(\.bytes).min(),
      let most = phases.map(\.bytes).max(), let shortest = phases.map(\.seconds).min(),
      let longest = phases.map(\.seconds).max()
    else { return nil }
    let sizeRange = log2(Double(least)).rounded(.down)...log2(Double(most)).rounded(.up)
    let low = log10(shortest).rounded(.down)
    let timeRange = low...Swift.max(log10(longest).rounded(.up), low + 1)
    let point = { (item: CaseRecord, phase: PhaseRecord) in
      Point(
        x: Self.x(phase.bytes, sizeRange), y: Self.y(phase.seconds, timeRange),
        label: "\(item.name.printable): \(phase.phase.rawValue), \(Figures.bytes(phase.bytes)) in "
          + Figures.seconds(phase.seconds))
    }
    direct = pairs.map { point($0.0, $0.1) }
    fallback = pairs.map { point($0.0, $0.2) }
    let step = Swift.max(((sizeRange.upperBound - sizeRange.lowerBound) / 7).rounded(.up), 1)
    sizes = stride(from: sizeRange.lowerBound, through: sizeRange.upperBound, by: step).map {
      let bytes = UInt64(exactly: exp2($0).rounded(.down)) ?? .max
      return Tick(position: Self.x(bytes, sizeRange), label: Figures.bytes(bytes))
    }
    times = stride(from: timeRange.lowerBound, through: timeRange.upperBound, by: 1).map {
      let seconds = pow(10, $0)
      return Tick(position: Self.y(seconds, timeRange), label: Self.label(seconds))
    }
  }

  private static func isDrawable(_ seconds: Double) -> Bool {
    seconds.isFinite && seconds >= 1e-9 && seconds <= 1e6
  }

  /// Powers of ten without decimals.
  private static func label(_ seconds: Double) -> String {
    if seconds >= 0.999 { return "\(Figures.decimal(seconds, places: 0)) s" }
    if seconds >= 0.000999 { return "\(Figures.decimal(seconds * 1e3, places: 0)) ms" }
    return "\(Figures.decimal(seconds * 1e6, places: seconds < 1e-6 ? 3 : 0)) µs"
  }

  private static func x(_ bytes: UInt64, _ range: ClosedRange<Double>) -> String {
    let share = (log2(Double(bytes)) - range.lowerBound) / span(range)
    return Figures.decimal(left + share * (right - left), places: 1)
  }

  private static func y(_ seconds: Double, _ range: ClosedRange<Double>) -> String {
    let share = (log10(seconds) - range.lowerBound) / span(range)
    return Figures.decimal(bottom - share * (bottom - top), places: 1)
  }

  private static func span(_ range: ClosedRange<Double>) -> Double {
    Swift.max(range.upperBound - range.lowerBound, 1)
  }
}
