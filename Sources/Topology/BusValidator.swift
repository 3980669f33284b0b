// SPDX-License-Identifier: Apache-2.0

/// Judges the PCIe tree: each parent exists, takes the child, and has room for it.
struct BusValidator {
  let topology: Topology
  let source: SourceMap

  /// A node or device with its place in the file.
  private struct Element {
    let id: String
    let bus: String?
    /// Nil for an endpoint.
    let model: PCIeNode.Model?
    /// What it is, as a sentence names it.
    let what: String
    let path: [SourceMap.Step]
  }

  func validate() throws(TopologyError) {
    let elements = elements
    let known = Dictionary(elements.map { ($0.id, $0) }) { first, _ in first }
    for element in elements {
      try checkParentExists(element, known)
    }
    for element in elements {
      try checkNoCycle(element, known)
    }
    for element in elements {
      try checkParentKind(element, known)
      try checkACS(element)
    }
    try checkExpanderBuses(elements)
    try checkRoom(elements, known)
  }

  private var elements: [Element] {
    var found: [Element] = []
    for (i, node) in topology.pcie.enumerated() {
      found.append(
        Element(
          id: node.id, bus: node.bus, model: node.model, what: Self.name(of: node.model),
          path: ["pcie", .index(i)]))
    }
    for (i, controller) in topology.nvme.enumerated() {
      found.append(
        Element(
          id: controller.id, bus: controller.bus, model: nil, what: "an NVMe controller",
          path: ["nvme", .index(i)]))
    }
    for (i, gpu) in topology.gpus.enumerated() {
      found.append(
        Element(id: gpu.id, bus: gpu.bus, model: nil, what: "a GPU", path: ["gpu", .index(i)]))
    }
    return found
  }

  private func checkParentExists(
    _ element: Element, _ known: [String: Element]
  ) throws(TopologyError) {
    guard let bus = element.bus else { return }
    guard let parent = known[bus] else {
      let nodes = topology.pcie.map(\.id)
      throw source.error(
        at: element.path + ["bus"],
        "`\(element.id)` is put below `\(bus.prefix(40))`, which does not exist",
        mend: nodes.isEmpty
          ? "add it below `pcie:`" : Suggestion.mend(for: bus, among: nodes))
    }
    guard parent.model != nil else {
      throw source.error(
        at: element.path + ["bus"],
        "`\(element.id)` is put below `\(bus)`, but \(parent.what) has nothing below it",
        mend: "name a port or bridge")
    }
  }

  private func checkNoCycle(
    _ element: Element, _ known: [String: Element]
  ) throws(TopologyError) {
    var way = [element.id]
    var next = element.bus
    while let id = next, let parent = known[id] {
      way.append(id)
      guard id != element.id else {
        throw source.error(
          at: element.path + ["bus"],
          "`\(element.id)` is below itself (\(way.prefix(8).joined(separator: " < ")))",
          mend: "put one of them below a root port or the root complex")
      }
      // A cycle further up is reported for a member of it.
      guard way.count <= known.count else { return }
      next = parent.bus
    }
  }

  private func checkParentKind(
    _ element: Element, _ known: [String: Element]
  ) throws(TopologyError) {
    let parent = element.bus.flatMap { known[$0]?.model }
    guard !Self.accepts(parent, child: element.model) else { return }
    let place = element.bus.map { "`\($0)`, \(parent.map(Self.name) ?? "")" } ?? "the root complex"
    let possible = PCIeNode.Model.allCases.filter { Self.accepts($0, child: element.model) }
    var places = possible.map(Self.name)
    if Self.accepts(nil, child: element.model) { places.append("the root complex (no `bus:`)") }
    let last = places.popLast() ?? ""
    let choice = places.isEmpty ? last : places.joined(separator: ", ") + " or " + last
    throw source.error(
      at: element.path + ["bus"],
      "`\(element.id)`, \(element.what), can't be below \(place)", mend: "put it below \(choice)")
  }

  /// What can be plugged where; nil is the root complex as a parent and an endpoint as a child.
  private static func accepts(_ parent: PCIeNode.Model?, child: PCIeNode.Model?) -> Bool {
    switch child {
    case .expanderBus: parent == nil
    case .rootPort: parent == nil || parent == .expanderBus
    case .switchUpstream: parent == .rootPort || parent == .switchDownstream
    case .switchDownstream: parent == .switchUpstream
    case .pcieToPCIBridge: parent == nil || parent == .rootPort || parent == .switchDownstream
    case nil: parent != .switchUpstream && parent != .expanderBus
    }
  }

  private func checkACS(_ element: Element) throws(TopologyError) {
    guard let model = element.model, model != .rootPort else { return }
    guard topology.pcie.first(where: { $0.id == element.id })?.acs != nil else { return }
    throw source.error(
      at: element.path + ["acs"],
      "`\(element.id)` is \(element.what), and QEMU has ACS on root ports only",
      mend: "remove `acs:`")
  }

  private func checkExpanderBuses(_ elements: [Element]) throws(TopologyError) {
    let most = PCIeNode.expanderBusNumbers.count
    guard let extra = elements.filter({ $0.model == .expanderBus }).dropFirst(most).first else {
      return
    }
    throw source.error(
      at: extra.path,
      "there are bus numbers for \(most) expander-buses, and `\(extra.id)` is one too many",
      mend: "put root ports below one that is there")
  }

  private func checkRoom(
    _ elements: [Element], _ known: [String: Element]
  ) throws(TopologyError) {
    var children: [String?: [Element]] = [:]
    for element in elements {
      children[element.bus, default: []].append(element)
      let room = topology.slots(below: element.bus).count
      let siblings = children[element.bus, default: []]
      guard siblings.count > room else { continue }
      let place = element.bus.map { "`\($0)`" } ?? "the root complex"
      if room == 1, let first = siblings.first {
        throw source.error(
          at: element.path + ["bus"],
          "`\(element.id)` is below \(place), where `\(first.id)` is already: a port has one slot",
          mend: "add another port for it, or a switch")
      }
      throw source.error(
        at: element.path, "\(place) has room for \(room), and `\(element.id)` is one too many",
        mend: "put it below a switch or bridge")
    }
  }

  /// A model with its article.
  private static func name(of model: PCIeNode.Model) -> String {
    (model == .expanderBus ? "an " : "a ") + model.rawValue
  }
}
