// SPDX-License-Identifier: Apache-2.0

/// Cuts bytes from a guest into lines, with bounded memory.
struct LineSplitter {
  /// What becomes of a line that is longer than the limit.
  enum Excess {
    /// Its head is given out once and the rest dropped: for a console, which must go on.
    case truncate
    /// It is refused: for a protocol, where half a line means nothing.
    case refuse
  }

  /// A line is longer than the limit.
  struct LineTooLong: Error {}

  /// Longest line in bytes, without its end.
  let limit: Int
  let excess: Excess

  private var partial: [UInt8] = []
  private var dropping = false

  /// Makes a splitter whose lines have at most `limit` bytes.
  init(limit: Int, excess: Excess) {
    self.limit = limit
    self.excess = excess
  }

  /// Takes the next bytes and returns the lines that they complete, without `\n` or `\r\n`.
  mutating func take(_ bytes: some Sequence<UInt8>) throws(LineTooLong) -> [String] {
    var lines: [String] = []
    for byte in bytes {
      if byte == UInt8(ascii: "\n") {
        if dropping {
          dropping = false
        } else {
          lines.append(cut())
        }
      } else if !dropping {
        if partial.count == limit {
          guard excess == .truncate else { throw LineTooLong() }
          lines.append(cut())
          dropping = true
        } else {
          partial.append(byte)
        }
      }
    }
    return lines
  }

  /// The line that was begun and never ended, if there is one.
  mutating func rest() -> String? { partial.isEmpty ? nil : cut() }

  private mutating func cut() -> String {
    if partial.last == UInt8(ascii: "\r") { partial.removeLast() }
    defer { partial.removeAll(keepingCapacity: true) }
    return String(decoding: partial, as: UTF8.self)
  }
}
