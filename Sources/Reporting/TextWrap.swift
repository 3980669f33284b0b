// SPDX-License-Identifier: Apache-2.0

/// Breaks text into lines of a terminal.
enum TextWrap {
  /// Lines of at most `columns` columns, each indented; a word that is too long is cut.
  static func lines(_ text: String, columns: Int, indent: Int) -> [String] {
    let room = max(columns - indent, 20)
    let space = String(repeating: " ", count: indent)
    var lines: [String] = []
    var line = ""
    for word in words(of: text, room: room) {
      if !line.isEmpty, line.terminalColumns + 1 + word.terminalColumns > room {
        lines.append(space + line)
        line = ""
      }
      line += line.isEmpty ? word : " \(word)"
    }
    return line.isEmpty ? lines : lines + [space + line]
  }

  private static func words(of text: String, room: Int) -> [String] {
    text.split(separator: " ").flatMap { word -> [String] in
      var rest = word[...]
      var parts: [String] = []
      while rest.terminalColumns > room {
        // A double-width character may take the last column's neighbour: leave it one.
        let part = rest.prefix(room / 2)
        parts.append(String(part))
        rest = rest.dropFirst(part.count)
      }
      return parts + [String(rest)]
    }
  }
}
