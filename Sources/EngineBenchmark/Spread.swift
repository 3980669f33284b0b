// SPDX-License-Identifier: Apache-2.0

/// Several measurements of one thing.
struct Spread: Codable {
  let minimum: Double
  let median: Double
  let maximum: Double

  /// - Parameter values: at least one.
  init(_ values: [Double]) {
    let sorted = values.sorted()
    minimum = sorted.first ?? .nan
    median = sorted.isEmpty ? .nan : sorted[sorted.count / 2]
    maximum = sorted.last ?? .nan
  }
}

/// Times of many equal events, in microseconds.
struct Percentiles: Codable {
  let name: String
  let count: Int
  let p50: Double
  let p99: Double
  let maximum: Double

  init(_ name: String, _ nanoseconds: [UInt64]) {
    let sorted = nanoseconds.sorted()
    func at(_ part: Double) -> Double {
      guard !sorted.isEmpty else { return .nan }
      return Double(sorted[min(sorted.count - 1, Int(Double(sorted.count) * part))]) / 1000
    }
    self.name = name
    count = sorted.count
    p50 = at(0.5)
    p99 = at(0.99)
    maximum = at(1)
  }
}

/// One operation of the engine against the bare loop that does the same, in GB/s.
struct Comparison: Codable {
  let name: String
  /// Bytes of one operation.
  let size: Int
  let engine: Spread
  let bare: Spread
  /// Engine by bare: of each round's pair, which ran one right after the other.
  let ratio: Spread
  /// What the median of the ratio is to reach; nil where a command's own cost is what counts.
  let goal: Double?

  var missesGoal: Bool { goal.map { !(ratio.median >= $0) } ?? false }

  /// The operation and its size.
  var label: String { "\(name), \(sizeText)" }

  var sizeText: String { size >= 1 << 20 ? "\(size >> 20) MiB" : "\(size >> 10) KiB" }
}

/// All that one run of the benchmark found.
struct Findings: Codable {
  var comparisons: [Comparison] = []
  var latencies: [Percentiles] = []
  /// Everything that has a goal was measured.
  var isWhole = true

  /// Text for people.
  var table: String {
    func cell(_ text: String, _ width: Int) -> String {
      text + String(repeating: " ", count: max(0, width - text.count))
    }
    func number(_ value: Double) -> String {
      let scaled = (value * 100).rounded() / 100
      return scaled.isFinite ? "\(scaled)" : "-"
    }
    func spread(_ spread: Spread) -> String {
      "\(number(spread.minimum)) / \(number(spread.median)) / \(number(spread.maximum))"
    }
    var lines = [
      cell("GB/s, min / median / max", 26) + cell("size", 10) + cell("engine", 24)
        + cell("bare", 24) + cell("ratio", 22) + "goal"
    ]
    for one in comparisons {
      lines.append(
        cell(one.name, 26) + cell(one.sizeText, 10) + cell(spread(one.engine), 24)
          + cell(spread(one.bare), 24) + cell(spread(one.ratio), 22)
          + (one.goal.map(number) ?? "-"))
    }
    lines.append("")
    lines.append(cell("us", 36) + cell("p50", 10) + cell("p99", 10) + "max")
    for one in latencies {
      lines.append(
        cell(one.name, 36) + cell(number(one.p50), 10) + cell(number(one.p99), 10)
          + number(one.maximum))
    }
    return lines.joined(separator: "\n")
  }
}
