// SPDX-License-Identifier: Apache-2.0

extension PCIeDiagram {
  /// Draws the tree with box characters, a line a node and a line a detail.
  ///
  /// - Parameter colored: whether to use the terminal's colours (ANSI escapes).
  public func text(colored: Bool = false) -> String {
    var lines = [Self.paint(title, "1", colored)]
    for root in roots {
      Self.append(root, first: "", rest: "", to: &lines, colored: colored)
    }
    if !notes.isEmpty {
      lines.append("")
      lines += notes
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private static func append(
    _ node: Node, first: String, rest: String, to lines: inout [String], colored: Bool
  ) {
    let model = node.model.isEmpty ? "" : "  \(node.model)"
    lines.append(first + paint(node.label, color(of: node.kind), colored) + model)
    let stem = node.children.isEmpty ? "   " : "│  "
    for detail in node.details { lines.append(rest + stem + paint(detail, "2", colored)) }
    for (index, child) in node.children.enumerated() {
      let isLast = index == node.children.count - 1
      append(
        child, first: rest + (isLast ? "└─ " : "├─ "), rest: rest + (isLast ? "   " : "│  "),
        to: &lines, colored: colored)
    }
  }

  private static func paint(_ text: String, _ code: String, _ colored: Bool) -> String {
    colored ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
  }

  /// Select Graphic Rendition parameters (ECMA-48, 8.3.117).
  private static func color(of kind: Kind) -> String {
    switch kind {
    case .root: "1"
    case .bridge: "1;34"
    case .nvme: "1;32"
    case .gpu: "1;35"
    case .other: "2"
    }
  }
}
