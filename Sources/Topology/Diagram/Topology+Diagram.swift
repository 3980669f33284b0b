// SPDX-License-Identifier: Apache-2.0

extension Topology {
  /// The tree as the file asks for it.
  public var diagram: PCIeDiagram {
    let plural = machine.vcpus == 1 ? "vCPU" : "vCPUs"
    let root = PCIeDiagram.Node(
      label: "root complex", model: "",
      details: [
        "CPU \(machine.cpu), \(machine.vcpus) \(plural), \(machine.memory)",
        machine.iommu == .none ? "no IOMMU" : "IOMMU \(machine.iommu.rawValue)",
      ],
      kind: .root, children: children(of: nil, above: []))
    let expected = routes.map { "\($0.from) to \($0.to): \(Self.words(for: $0.route))" }
    let known = limits.map {
      "known limit from \($0.from) to \($0.to): \($0.outcome.rawValue), \($0.reason)"
    }
    return PCIeDiagram(title: "\(name): \(summary)", roots: [root], notes: expected + known)
  }

  private static func words(for route: Route) -> String {
    switch route {
    case .device: "inside the device"
    case .switch: "through a switch"
    case .hostBridge: "through the host bridge"
    case .none: "refused by the kernel"
    }
  }

  /// `above` are the nodes on the way down, so that a cycle in unchecked values comes to an end.
  private func children(of parent: String?, above: Set<String>) -> [PCIeDiagram.Node] {
    let slots = Dictionary(placements.map { ($0.id, $0) }) { first, _ in first }
    func slot(_ id: String) -> String { "slot \(slots[id]?.slot ?? 0)" }
    let nodes = pcie.filter { $0.bus == parent && !above.contains($0.id) }.map { node in
      PCIeDiagram.Node(
        label: node.id, model: node.model.rawValue,
        details: [slot(node.id)] + (node.acs == false ? ["no ACS"] : []), kind: .bridge,
        children: children(of: node.id, above: above.union([node.id])))
    }
    let controllers = nvme.filter { $0.bus == parent }.map { controller in
      var details = [slot(controller.id)]
      if let cmb = controller.cmb { details.append("BAR 2: CMB \(cmb)") }
      if let pmr = controller.pmr { details.append("BAR 4: PMR \(pmr)") }
      details += controller.namespaces.map {
        "\($0.id): \($0.size) \($0.filesystem.rawValue), \($0.lba)-byte blocks"
      }
      return PCIeDiagram.Node(
        label: controller.id, model: "NVMe controller", details: details, kind: .nvme)
    }
    let processors = gpus.filter { $0.bus == parent }.map { gpu in
      PCIeDiagram.Node(
        label: gpu.id, model: "GPU",
        details: [slot(gpu.id), "BAR 2: video memory \(gpu.videoMemory)"], kind: .gpu)
    }
    return nodes + controllers + processors
  }
}
