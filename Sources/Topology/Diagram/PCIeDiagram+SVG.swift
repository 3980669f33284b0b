// SPDX-License-Identifier: Apache-2.0

extension PCIeDiagram {
  /// Draws the tree as a Scalable Vector Graphic of its own, roots at the left.
  ///
  /// It needs no font but a monospaced one, loads nothing, and has a text alternative.
  public func svg() -> String {
    let layout = DiagramLayout(self)
    var out: [String] = []
    let size = "width=\"\(layout.width)\" height=\"\(layout.height)\""
    out.append("<?xml version=\"1.0\" encoding=\"UTF-8\"?>")
    out.append(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" \(size) "
        + "viewBox=\"0 0 \(layout.width) \(layout.height)\" role=\"img\">")
    out.append("<title>\(Self.escaped(title))</title>")
    out.append("<desc>\(Self.escaped(text()))</desc>")
    out.append(Self.style)
    out.append("<rect class=\"page\" width=\"100%\" height=\"100%\"/>")
    out.append(
      "<text class=\"title\" x=\"\(DiagramLayout.margin)\" y=\"\(layout.titleY)\">"
        + "\(Self.escaped(title))</text>")
    for link in layout.links {
      let middle = (link.fromX + link.toX) / 2
      out.append(
        "<path class=\"link\" d=\"M\(link.fromX) \(link.fromY)H\(middle)V\(link.toY)"
          + "H\(link.toX)\"/>")
    }
    for box in layout.boxes { out += Self.drawing(of: box) }
    for (index, note) in notes.enumerated() {
      let y = layout.notesY + index * DiagramLayout.lineHeight
      out.append(
        "<text class=\"detail\" x=\"\(DiagramLayout.margin)\" y=\"\(y)\">"
          + "\(Self.escaped(note))</text>")
    }
    out.append("</svg>")
    return out.joined(separator: "\n") + "\n"
  }

  private static func drawing(of box: DiagramLayout.Box) -> [String] {
    let x = box.x + DiagramLayout.padding
    var y = box.y + DiagramLayout.padding + DiagramLayout.baseline
    var out = [
      "<rect class=\"\(box.node.kind.rawValue)\" x=\"\(box.x)\" y=\"\(box.y)\" "
        + "width=\"\(box.width)\" height=\"\(box.height)\" rx=\"6\"/>",
      "<text class=\"label\" x=\"\(x)\" y=\"\(y)\">\(escaped(box.node.label))"
        + "<tspan class=\"model\" dx=\"8\">\(escaped(box.node.model))</tspan></text>",
    ]
    for detail in box.node.details {
      y += DiagramLayout.lineHeight
      out.append("<text class=\"detail\" x=\"\(x)\" y=\"\(y)\">\(escaped(detail))</text>")
    }
    return out
  }

  /// Escapes text for XML and drops what XML can't hold at all (XML 1.0, 2.2).
  static func escaped(_ text: String) -> String {
    var out = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": out += "&amp;"
      case "<": out += "&lt;"
      case ">": out += "&gt;"
      case "\"": out += "&quot;"
      case "\n", "\t": out.unicodeScalars.append(scalar)
      case "\u{0}"..."\u{1F}", "\u{FFFE}", "\u{FFFF}": out += "\u{FFFD}"
      default: out.unicodeScalars.append(scalar)
      }
    }
    return out
  }

  private static let style = """
    <style>
    text { font-family: ui-monospace, Menlo, "DejaVu Sans Mono", monospace; font-size: 12px; \
    fill: #1f2328; }
    .title { font-size: 15px; font-weight: bold; }
    .label { font-weight: bold; }
    .model { font-weight: normal; fill: #57606a; }
    .detail { font-size: 11px; fill: #424a53; }
    .page { fill: #ffffff; }
    .link { fill: none; stroke: #8c959f; stroke-width: 1.5; }
    .root { fill: #f6f8fa; stroke: #57606a; }
    .bridge { fill: #ddf4ff; stroke: #0969da; }
    .nvme { fill: #dafbe1; stroke: #1a7f37; }
    .gpu { fill: #fbefff; stroke: #8250df; }
    .other { fill: #ffffff; stroke: #afb8c1; }
    </style>
    """
}
