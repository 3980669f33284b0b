// SPDX-License-Identifier: Apache-2.0

/// Finds what somebody probably meant to type.
enum Suggestion {
  /// `did you mean X?` when a candidate is near, else the list of what is possible.
  static func mend(for word: String, among candidates: [String]) -> String {
    if let near = nearest(to: word, among: candidates) { return "did you mean `\(near)`?" }
    return "use one of \(list(candidates))"
  }

  /// `a`, `b` or `c`.
  static func list(_ candidates: [String]) -> String {
    let quoted = candidates.map { "`\($0)`" }
    guard let last = quoted.last else { return "nothing" }
    guard quoted.count > 1 else { return last }
    return quoted.dropLast().joined(separator: ", ") + " or " + last
  }

  /// The nearest candidate, if it is near enough to be a slip of the hand.
  static func nearest(to word: String, among candidates: [String]) -> String? {
    let word = Array(word.lowercased().utf8.prefix(64))
    let scored = candidates.map { ($0, distance(word, Array($0.lowercased().utf8))) }
    guard let best = scored.min(by: { $0.1 < $1.1 }) else { return nil }
    return best.1 <= max(1, min(word.count, best.0.utf8.count) / 3) ? best.0 : nil
  }

  /// The number of insertions, deletions, substitutions and swaps of neighbours between two words.
  private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
    var beforeLast: [Int] = []
    var last = Array(0...right.count)
    for i in left.indices {
      var row = [i + 1]
      for j in right.indices {
        let substituted = last[j] + (left[i] == right[j] ? 0 : 1)
        var cost = min(substituted, last[j + 1] + 1, row[j] + 1)
        if i > 0, j > 0, left[i] == right[j - 1], left[i - 1] == right[j] {
          cost = min(cost, beforeLast[j - 1] + 1)
        }
        row.append(cost)
      }
      (beforeLast, last) = (last, row)
    }
    return last[right.count]
  }
}
