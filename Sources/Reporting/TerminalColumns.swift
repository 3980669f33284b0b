// SPDX-License-Identifier: Apache-2.0

extension StringProtocol {
  /// How many columns of a terminal the text takes (Unicode Standard Annex 11).
  var terminalColumns: Int {
    reduce(0) { $0 + $1.terminalColumns }
  }

  /// The text in at most `columns` columns; what does not fit ends in `…`.
  func shortened(to columns: Int) -> String {
    guard terminalColumns > columns else { return String(self) }
    var result = ""
    var width = 0
    for character in self {
      width += character.terminalColumns
      if width >= columns { break }
      result.append(character)
    }
    return columns > 0 ? result + "…" : ""
  }

  /// The text with spaces behind it, up to `columns` columns.
  func padded(to columns: Int) -> String {
    self + String(repeating: " ", count: Swift.max(columns - terminalColumns, 0))
  }

  /// The text with spaces before it, up to `columns` columns.
  func padded(from columns: Int) -> String {
    String(repeating: " ", count: Swift.max(columns - terminalColumns, 0)) + self
  }
}

extension Character {
  fileprivate var terminalColumns: Int {
    guard let first = unicodeScalars.first else { return 0 }
    let properties = first.properties
    switch properties.generalCategory {
    case .nonspacingMark, .enclosingMark, .format, .control: return 0
    default: break
    }
    if properties.isEmojiPresentation || unicodeScalars.contains("\u{FE0F}") { return 2 }
    return Self.wide.contains { $0.contains(first.value) } ? 2 : 1
  }

  /// East Asian Wide and Fullwidth, without the rare.
  private static let wide: [ClosedRange<UInt32>] = [
    0x1100...0x115F, 0x2E80...0x303E, 0x3041...0xA4CF, 0xA960...0xA97F, 0xAC00...0xD7A3,
    0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1F64F,
    0x1F900...0x1F9FF, 0x20000...0x3FFFD,
  ]
}
