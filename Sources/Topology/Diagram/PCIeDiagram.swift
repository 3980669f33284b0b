// SPDX-License-Identifier: Apache-2.0

/// A PCIe tree for drawing, whether it was asked for or found in a guest.
public struct PCIeDiagram: Sendable, Hashable, Codable {
  /// What stands above the drawing.
  public var title: String
  /// What the tree hangs from, one for each root bus.
  public var roots: [Node]
  /// Lines below the drawing.
  public var notes: [String]

  /// Makes a diagram.
  public init(title: String, roots: [Node], notes: [String] = []) {
    self.title = title
    self.roots = roots
    self.notes = notes
  }

  /// One box of the drawing.
  public struct Node: Sendable, Hashable, Codable {
    /// The id or address, which stands out.
    public var label: String
    /// The model or class, beside the label.
    public var model: String
    /// What a line each says of it: addresses, BARs, memory sizes.
    public var details: [String]
    /// What it is, which decides its colour.
    public var kind: Kind
    /// What is below.
    public var children: [Node]

    /// Makes a box.
    public init(
      label: String, model: String, details: [String] = [], kind: Kind, children: [Node] = []
    ) {
      self.label = label
      self.model = model
      self.details = details
      self.kind = kind
      self.children = children
    }
  }

  /// What a box stands for.
  public enum Kind: String, Sendable, Hashable, Codable, CaseIterable {
    /// A root complex or the root bus of an expander.
    case root
    /// A root port, a switch's port or a bridge.
    case bridge
    /// An NVMe controller.
    case nvme
    /// A GPU.
    case gpu
    /// Anything else.
    case other
  }
}
