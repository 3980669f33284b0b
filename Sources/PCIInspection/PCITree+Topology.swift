// SPDX-License-Identifier: Apache-2.0

import Topology

extension PCITree {
  /// The guest's address of each node and device of a topology.
  ///
  /// An id is missing if nothing is where it should be, or something else is, or its parent is
  /// missing; `differences(from:)` says which.
  public func resolve(_ topology: Topology) -> [String: PCIAddress] {
    let models = PCIModel.all(of: topology)
    return expected(topology).filter { id, address in
      guard let model = models[id], let device = device(at: address) else { return false }
      return device.vendor == model.vendor && device.device == model.device
        && device.deviceClass == model.deviceClass
    }
  }

  /// Everything in which the guest's tree is not the one that was asked for; empty if it is.
  ///
  /// Devices on the root bus that nobody asked for are the machine's own and are no difference;
  /// below a node that somebody asked for they are.
  public func differences(from topology: Topology) -> [TreeDifference] {
    let models = PCIModel.all(of: topology)
    let expected = expected(topology)
    var found: [TreeDifference] = []
    for placement in topology.placements {
      // What is below a missing node is missing as well; the node alone is worth a sentence.
      guard let address = expected[placement.id], let model = models[placement.id] else { continue }
      guard let device = device(at: address) else {
        found.append(
          TreeDifference(
            id: placement.id, address: address,
            message: "`\(placement.id)`, \(model.name), was asked for at \(address), "
              + "but nothing is there"))
        continue
      }
      if let difference = difference(of: device, from: model, id: placement.id) {
        found.append(difference)
        continue
      }
      if let message = details(of: device, placement.id, in: topology) {
        found.append(TreeDifference(id: placement.id, address: address, message: message))
      }
    }
    return found + unasked(topology, expected: Set(expected.values))
  }

  // MARK: Where things should be

  /// The address that each placement leads to, as far as the bridges above it exist.
  private func expected(_ topology: Topology) -> [String: PCIAddress] {
    let placements = Dictionary(topology.placements.map { ($0.id, $0) }) { first, _ in first }
    var addresses: [String: PCIAddress] = [:]
    // Parents may stand after their children in the file; each round goes one level down.
    for _ in placements {
      let before = addresses.count
      for placement in topology.placements where addresses[placement.id] == nil {
        guard let bus = bus(below: placement.parent, topology, addresses),
          let device = UInt8(exactly: placement.slot),
          let function = UInt8(exactly: placement.function)
        else { continue }
        addresses[placement.id] = PCIAddress(bus: bus, device: device, function: function)
      }
      if addresses.count == before { break }
    }
    return addresses
  }

  /// The number of the bus below a parent.
  private func bus(
    below parent: String?, _ topology: Topology, _ addresses: [String: PCIAddress]
  ) -> UInt8? {
    guard let parent else { return 0 }
    if let number = expanderBus(parent, topology) { return number }
    guard let device = addresses[parent].flatMap({ device(at: $0) }), let buses = device.buses,
      buses.secondary > device.address.bus
    else { return nil }
    return buses.secondary
  }

  /// An expander's bus number is in no register of it. Its bus is a root bus besides the first, and
  /// expanders get theirs in ascending order; those without children can't be seen.
  private func expanderBus(_ id: String, _ topology: Topology) -> UInt8? {
    let parents = Set(topology.placements.compactMap(\.parent))
    let expanders = topology.pcie.filter { $0.model == .expanderBus && parents.contains($0.id) }
    guard let nth = expanders.firstIndex(where: { $0.id == id }) else { return nil }
    let buses = rootBuses().filter { $0 != 0 }
    return buses.indices.contains(nth) ? buses[nth] : nil
  }

  // MARK: What is there

  private func difference(
    of device: PCIDevice, from model: PCIModel, id: String
  ) -> TreeDifference? {
    var found = device.identity
    if device.vendor == model.vendor, device.device == model.device {
      guard device.deviceClass != model.deviceClass else { return nil }
      found += " of class \(Hex.text(device.deviceClass, digits: 4)) instead of"
      found += " \(Hex.text(model.deviceClass, digits: 4))"
    }
    return TreeDifference(
      id: id, address: device.address,
      message: "`\(id)` at \(device.address) should be \(model.name) (\(model.identity)), "
        + "but the guest has \(found) there")
  }

  /// What is wrong with a device that is the right one in the right place.
  private func details(of device: PCIDevice, _ id: String, in topology: Topology) -> String? {
    if let node = topology.pcie.first(where: { $0.id == id }) {
      guard node.model == .rootPort else { return nil }
      let wanted = node.acs ?? true
      guard wanted != (device.accessControl != nil) else { return nil }
      return wanted
        ? "`\(id)` at \(device.address) should have ACS, but has none"
        : "`\(id)` at \(device.address) should have no ACS, but has it"
    }
    if let controller = topology.nvme.first(where: { $0.id == id }) {
      return memory("CMB", bar: 2, of: device, id, asked: controller.cmb)
        ?? memory("PMR", bar: 4, of: device, id, asked: controller.pmr)
    }
    if let gpu = topology.gpus.first(where: { $0.id == id }) {
      return memory("video memory", bar: 2, of: device, id, asked: gpu.videoMemory)
    }
    return nil
  }

  private func memory(
    _ what: String, bar index: Int, of device: PCIDevice, _ id: String, asked: ByteCount?
  ) -> String? {
    let place = "`\(id)` at \(device.address)"
    switch (asked, device.bar(index)) {
    case (nil, nil):
      return nil
    case (nil, let bar?):
      let size = bar.size.map { " of \(ByteCount(bytes: $0))" } ?? ""
      return "\(place) should have no \(what), but has a BAR \(index)\(size)"
    case (let asked?, nil):
      return "\(place) should have \(what) of \(asked), but its BAR \(index) has no address"
    case (let asked?, let bar?):
      guard let size = bar.size else {
        return "\(place) should have \(what) of \(asked), but the size of its BAR \(index) "
          + "is not known"
      }
      guard size != asked.bytes else { return nil }
      return "\(place) should have \(what) of \(asked), but its BAR \(index) has "
        + "\(ByteCount(bytes: size))"
    }
  }

  /// Devices below nodes of the topology that aren't part of it.
  private func unasked(_ topology: Topology, expected: Set<PCIAddress>) -> [TreeDifference] {
    let nodes = resolve(topology).filter { id, _ in topology.pcie.contains { $0.id == id } }
    let names = Dictionary(nodes.map { ($0.value, $0.key) }) { first, _ in first }
    return devices.compactMap { device in
      guard !expected.contains(device.address), let parent = parent(of: device),
        let name = names[parent.address]
      else { return nil }
      return TreeDifference(
        id: nil, address: device.address,
        message: "the guest has \(device.identity) at \(device.address) below `\(name)`, "
          + "where nothing was asked for")
    }
  }
}
