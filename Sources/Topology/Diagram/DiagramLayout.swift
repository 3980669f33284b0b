// SPDX-License-Identifier: Apache-2.0

/// Where the boxes of a diagram go: a column a level, parents in the middle of their children.
struct DiagramLayout {
  /// A box with its place, in pixels.
  struct Box {
    let node: PCIeDiagram.Node
    let x: Int
    let y: Int
    let width: Int
    let height: Int
  }

  /// A line from a parent's right edge to a child's left edge.
  struct Link {
    let fromX: Int
    let fromY: Int
    let toX: Int
    let toY: Int
  }

  static let margin = 20
  static let padding = 9
  static let lineHeight = 16
  /// From the top of a line to its letters' foot.
  static let baseline = 12
  private static let columnGap = 36
  private static let rowGap = 12
  /// Half of a monospaced letter of 15 px, the title's; the label's has 12 px.
  private static let titleAdvance = 9.1
  private static let advance = 7.3

  private(set) var boxes: [Box] = []
  private(set) var links: [Link] = []
  private(set) var width = 0
  private(set) var height = 0
  let titleY = margin + 12
  private(set) var notesY = 0

  init(_ diagram: PCIeDiagram) {
    var widths: [Int] = []
    for root in diagram.roots { Self.measure(root, level: 0, &widths) }
    var columns: [Int] = []
    var x = Self.margin
    for width in widths {
      columns.append(x)
      x += width + Self.columnGap
    }
    var y = titleY + Self.lineHeight
    for root in diagram.roots {
      _ = place(root, level: 0, columns: columns, widths: widths, y: &y)
    }
    notesY = y + Self.baseline
    let noteLines = diagram.notes.isEmpty ? 0 : diagram.notes.count * Self.lineHeight
    height = y + noteLines + Self.margin
    let texts =
      [Self.width(diagram.title, Self.titleAdvance)]
      + diagram.notes.map { Self.width($0, Self.advance) }
    width = max(x - Self.columnGap, (texts.max() ?? 0) + Self.margin) + Self.margin
  }

  private static func width(_ text: String, _ advance: Double) -> Int {
    Int((Double(text.count) * advance).rounded(.up))
  }

  private static func measure(_ node: PCIeDiagram.Node, level: Int, _ widths: inout [Int]) {
    let first = Self.width(node.label, advance) + 8 + Self.width(node.model, advance)
    let widest = node.details.map { Self.width($0, advance) }.reduce(first, max) + 2 * padding
    if level == widths.count { widths.append(0) }
    widths[level] = max(widths[level], widest)
    for child in node.children { measure(child, level: level + 1, &widths) }
  }

  /// Places a node and all below it from `y` on, and returns the y of the node's middle.
  private mutating func place(
    _ node: PCIeDiagram.Node, level: Int, columns: [Int], widths: [Int], y: inout Int
  ) -> Int {
    let height = (1 + node.details.count) * Self.lineHeight + 2 * Self.padding
    let top = y
    var middles: [Int] = []
    for child in node.children {
      middles.append(place(child, level: level + 1, columns: columns, widths: widths, y: &y))
    }
    var middle = top + height / 2
    if let first = middles.first, let last = middles.last {
      let isOdd = middles.count % 2 == 1
      middle = max(middle, isOdd ? middles[middles.count / 2] : (first + last) / 2)
    }
    let box = Box(
      node: node, x: columns[level], y: middle - height / 2, width: widths[level], height: height)
    boxes.append(box)
    for child in middles {
      links.append(
        Link(
          fromX: box.x + box.width, fromY: middle, toX: columns[level + 1], toY: child))
    }
    y = max(y, box.y + height + Self.rowGap)
    return middle
  }
}
