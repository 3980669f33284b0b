// SPDX-License-Identifier: Apache-2.0

/// Where a node or device sits: its PCI device and function number below its parent.
public struct Placement: Sendable, Hashable, Codable {
  /// The node or device.
  public var id: String
  /// The node above, nil for the root complex.
  public var parent: String?
  /// The PCI device number on the parent's secondary bus, 0 to 31.
  public var slot: Int
  /// The PCI function number, 0 to 7.
  public var function: Int

  /// Makes a placement.
  public init(id: String, parent: String? = nil, slot: Int, function: Int = 0) {
    self.id = id
    self.parent = parent
    self.slot = slot
    self.function = function
  }
}

extension Topology {
  /// The PCI address below its parent of every node and device, in the order of the file.
  ///
  /// The same file always gives the same addresses, so that two runs can be compared and a guest's
  /// tree can be checked against the file.
  public var placements: [Placement] {
    var taken: [String?: Int] = [:]
    return elements.map { element in
      let slots = slots(below: element.bus)
      let nth = taken[element.bus, default: 0]
      taken[element.bus] = nth + 1
      return Placement(id: element.id, parent: element.bus, slot: slots.lowerBound + nth)
    }
  }

  /// The PCI device numbers that may be used below a node.
  func slots(below parent: String?) -> Range<Int> {
    guard let parent else { return 2..<30 }  // 0 host bridge, 1 and 30 the harness, 31 ICH9
    switch pcie.first(where: { $0.id == parent })?.model {
    case .rootPort, .switchDownstream: return 0..<1
    case .pcieToPCIBridge: return 1..<32  // 0 is the bridge's hot-plug controller
    case .switchUpstream, .expanderBus, nil: return 0..<32
    }
  }

  /// Every node and device with its parent: nodes, controllers, GPUs, in the order of the file.
  var elements: [(id: String, bus: String?)] {
    pcie.map { ($0.id, $0.bus) } + nvme.map { ($0.id, $0.bus) } + gpus.map { ($0.id, $0.bus) }
  }
}
