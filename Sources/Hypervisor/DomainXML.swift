// SPDX-License-Identifier: Apache-2.0

import CDeviceABI
import Foundation
import FoundationXML
import Topology

/// Writes a guest's description as libvirt's domain XML.
struct DomainXML {
  /// libvirt's own devices go to the root complex, far from the topology's, which begin at slot 2.
  private static let channelSlot = 0x1E

  private let guest: GuestDescription
  private let sockets: GuestSockets
  private let placements: [String: Placement]
  /// libvirt's index of each PCIe node, the number by which its children's addresses name it.
  private let indices: [String: Int]
  private let nodes: [PCIeNode]

  /// Checks what libvirt would not, or would say in words that name nothing of the description.
  init(_ guest: GuestDescription, sockets: GuestSockets) throws(HypervisorError) {
    try DescriptionCheck(guest).run()
    self.guest = guest
    self.sockets = sockets
    placements = Dictionary(
      guest.topology.placements.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
    nodes = Self.parentsFirst(guest.topology.pcie)
    indices = Dictionary(
      nodes.enumerated().map { ($1.id, $0 + 1) }, uniquingKeysWith: { first, _ in first })
  }

  /// The document's text.
  func text() -> String {
    let root = XMLElement.make("domain", ["type": guest.accelerator == .kvm ? "kvm" : "qemu"])
    if let name = XMLNode.namespace(
      withName: "qemu", stringValue: "http://libvirt.org/schemas/domain/qemu/1.0") as? XMLNode
    {
      root.addNamespace(name)
    }
    var children = machine()
    children.append(.make("devices", children: pciControllers() + channels()))
    children.append(
      .make(
        "qemu:commandline",
        children: arguments().map { .make("qemu:arg", ["value": $0]) }))
    children.append(withoutQueryingProperties())
    let overrides = withoutACS()
    if !overrides.isEmpty { children.append(.make("qemu:override", children: overrides)) }
    for child in children { root.addChild(child) }
    return root.xmlString(options: [.nodePrettyPrint, .nodeCompactEmptyElement]) + "\n"
  }

  /// Parents before their children, otherwise in the order of the file: QEMU needs a bus before
  /// what is plugged into it. A node whose parent is missing keeps its place at the end.
  private static func parentsFirst(_ nodes: [PCIeNode]) -> [PCIeNode] {
    var ordered: [PCIeNode] = []
    var known: Set<String?> = [nil]
    var waiting = nodes
    while !waiting.isEmpty {
      let ready = waiting.filter { known.contains($0.bus) }
      guard !ready.isEmpty else { return ordered + waiting }
      ordered += ready
      known.formUnion(ready.map(\.id))
      waiting.removeAll { known.contains($0.id) }
    }
    return ordered
  }
}

// MARK: - Machine

extension DomainXML {
  private func machine() -> [XMLElement] {
    let machine = guest.topology.machine
    var features: [XMLElement] = [.make("acpi"), .make("apic")]
    // Interrupt remapping needs an I/O APIC outside of KVM.
    if machine.iommu == .intel { features.append(.make("ioapic", ["driver": "qemu"])) }
    return [
      .make("name", text: guest.name),
      .make("memory", ["unit": "b"], text: String(machine.memory.bytes)),
      // Shared, so that a device model outside of QEMU can do DMA to it; without a name, so that
      // nothing stays behind.
      .make(
        "memoryBacking",
        children: [.make("source", ["type": "memfd"]), .make("access", ["mode": "shared"])]),
      .make("vcpu", text: String(machine.vcpus)),
      .make(
        "os",
        children: [
          .make("type", ["arch": "x86_64", "machine": "q35"], text: "hvm"),
          .make("kernel", text: guest.kernel),
          .make("initrd", text: guest.initramfs),
          .make("cmdline", text: guest.kernelCommandLine),
        ]),
      .make("features", children: features),
      cpu(machine.cpu),
      .make("clock", ["offset": "utc"]),
      .make("on_poweroff", text: "destroy"),
      .make("on_reboot", text: "destroy"),
      .make("on_crash", text: "destroy"),
    ]
  }

  private func cpu(_ name: String) -> XMLElement {
    switch name {
    case "max": .make("cpu", ["mode": "maximum"], children: unwantedFeatures)
    case "host": .make("cpu", ["mode": "host-passthrough", "check": "none"])
    default:
      .make(
        "cpu", ["mode": "custom", "match": "exact", "check": "none"],
        children: [.make("model", ["fallback": "forbid"], text: name)])
    }
  }
}

extension DomainXML {
  /// libvirt asks a new QEMU for each of some 400 properties of its CPU, half a second in all, if it
  /// believes that this QEMU can tell which features are missing; else for two lists of them. A
  /// libvirt that takes this for granted asks all the same.
  private func withoutQueryingProperties() -> XMLElement {
    .make(
      "qemu:capabilities",
      children: [.make("qemu:del", ["capability": "cpu-unavailable-features"])])
  }

  /// What `max` offers and guests do better without.
  private var unwantedFeatures: [XMLElement] {
    // With five levels of page tables, a kernel with KASAN reports a wild access when an interrupt
    // comes while it identifies its CPU: for that moment it believes in four.
    var names = ["la57"]
    // TCG runs `rep movsb` byte by byte, and with ERMS the kernel copies pages by that.
    if guest.accelerator == .tcg { names = ["erms", "fsrm"] + names }
    return names.map { .make("feature", ["policy": "disable", "name": $0]) }
  }
}

// MARK: - Devices that libvirt knows

extension DomainXML {
  private func pciControllers() -> [XMLElement] {
    var elements: [XMLElement] = []
    elements.append(.make("controller", ["type": "usb", "index": "0", "model": "none"]))
    elements.append(.make("controller", ["type": "pci", "index": "0", "model": "pcie-root"]))
    var expanderBusNumbers = PCIeNode.expanderBusNumbers[...]
    for node in nodes {
      var children: [XMLElement] = []
      if node.model == .expanderBus, let number = expanderBusNumbers.popFirst() {
        children.append(.make("target", ["busNr": String(number)]))
      }
      children.append(.make("alias", ["name": GuestDescription.deviceName(node.id)]))
      if let address = address(of: node.id) { children.append(address) }
      elements.append(
        .make(
          "controller",
          [
            "type": "pci", "index": String(indices[node.id] ?? 0),
            "model": Self.libvirtModel(node.model),
          ],
          children: children))
    }
    return elements
  }

  private static func libvirtModel(_ model: PCIeNode.Model) -> String {
    switch model {
    case .rootPort: "pcie-root-port"
    case .switchUpstream: "pcie-switch-upstream-port"
    case .switchDownstream: "pcie-switch-downstream-port"
    case .pcieToPCIBridge: "pcie-to-pci-bridge"
    case .expanderBus: "pcie-expander-bus"
    }
  }

  private func address(of id: String) -> XMLElement? {
    guard let placement = placements[id] else { return nil }
    let bus = placement.parent.flatMap { indices[$0] } ?? 0
    return Self.address(bus: bus, slot: placement.slot, function: placement.function)
  }

  private static func address(bus: Int, slot: Int, function: Int) -> XMLElement {
    .make(
      "address",
      [
        "type": "pci", "domain": "0", "bus": String(bus), "slot": String(slot),
        "function": String(function),
      ])
  }

  /// Console and channels, and the absence of what libvirt adds by itself.
  private func channels() -> [XMLElement] {
    var elements: [XMLElement] = [
      .make(
        "controller", ["type": "virtio-serial", "index": "0", "model": "virtio-non-transitional"],
        children: [Self.address(bus: 0, slot: Self.channelSlot, function: 0)]),
      .make(
        "serial", ["type": "file"],
        children: [
          .make("source", ["path": guest.logs.console]),
          .make("target", ["type": "isa-serial", "port": "0"]),
        ]),
      channel(
        GuestSockets.agentPort, "unix", ["mode": "bind", "path": sockets.agent], alias: "agent"),
      channel(
        GuestSockets.programPort, "unix", ["mode": "bind", "path": sockets.program],
        alias: "program"),
      .make("memballoon", ["model": "none"]),
    ]
    if let path = guest.logs.kernelTrace {
      elements.append(
        channel(GuestDescription.tracePort, "file", ["path": path], alias: "trace"))
    }
    if guest.topology.machine.iommu == .intel {
      elements.append(
        .make("iommu", ["model": "intel"], children: [.make("driver", ["intremap": "on"])]))
    }
    return elements
  }

  /// A virtio port, and what it is connected to on the host.
  private func channel(
    _ port: String, _ type: String, _ source: [String: String], alias: String
  ) -> XMLElement {
    .make(
      "channel", ["type": type],
      children: [
        .make("source", source),
        .make("target", ["type": "virtio", "name": port]),
        .make("alias", ["name": GuestDescription.deviceName(alias)]),
      ])
  }
}

// MARK: - Devices that it doesn't

extension DomainXML {
  /// QEMU's arguments. An object goes before the device that uses it.
  private func arguments() -> [String] {
    var arguments: [String] = []
    for controller in guest.topology.nvme { arguments += nvme(controller) }
    for gpu in guest.topology.gpus {
      let name = GuestDescription.deviceName(gpu.id)
      let device = QEMUArgument.DoorbellDevice(
        id: name, chardev: name + "-server", vectors: UInt32(CROSSBAR_GPU_VECTORS),
        bus: bus(of: gpu.id), addr: slot(of: gpu.id))
      let server = QEMUArgument.plain(guest.gpuServers[gpu.id] ?? "")
      arguments += [
        "-chardev", "socket,id=\(device.chardev),path=\(server)", "-device",
        QEMUArgument.json(device),
      ]
    }
    for event in guest.traceEvents { arguments += ["-trace", "enable=\(event)"] }
    arguments += ["-trace", "file=\(QEMUArgument.plain(guest.logs.trace))"]
    // By this socket a device model outside of QEMU masters the guest's bus.
    let bus = QEMUArgument.plain(sockets.qtest)
    return arguments + ["-qtest", "unix:\(bus),server=on,wait=off", "-qtest-log", "none"]
  }

  private func nvme(_ controller: NVMeController) -> [String] {
    let name = GuestDescription.deviceName(controller.id)
    var arguments: [String] = []
    var device = QEMUArgument.NVMe(
      id: name, serial: controller.id, bus: bus(of: controller.id), addr: slot(of: controller.id))
    device.cmbSize = controller.cmb.map { $0.bytes >> 20 }
    if let pmr = controller.pmr {
      let memory = QEMUArgument.SharedMemory(
        id: name + "-pmr", path: guest.persistentMemory[controller.id] ?? "", size: pmr.bytes)
      device.pmr = memory.id
      arguments += ["-object", QEMUArgument.json(memory)]
    }
    arguments += ["-device", QEMUArgument.json(device)]
    for namespace in controller.namespaces {
      let image = QEMUArgument.RawImage(
        nodeName: GuestDescription.deviceName(namespace.id) + "-image",
        file: .init(filename: guest.images[namespace.id] ?? ""))
      let disk = QEMUArgument.NVMeNamespace(
        id: GuestDescription.deviceName(namespace.id), drive: image.nodeName, bus: name,
        nsid: namespace.nsid, logicalBlockSize: namespace.lba, physicalBlockSize: namespace.lba)
      arguments += ["-blockdev", QEMUArgument.json(image), "-device", QEMUArgument.json(disk)]
    }
    return arguments
  }

  /// The QEMU name of the bus that a device is plugged into.
  private func bus(of id: String) -> String {
    placements[id]?.parent.map(GuestDescription.deviceName) ?? "pcie.0"
  }

  /// The slot as QEMU's property `addr` has it: hexadecimal, `SLOT.FUNCTION`.
  private func slot(of id: String) -> String {
    guard let placement = placements[id] else { return "0" }
    return "\(String(placement.slot, radix: 16)).\(placement.function)"
  }

  /// Root ports that shall have no Access Control Services; QEMU's have them unless told otherwise.
  private func withoutACS() -> [XMLElement] {
    nodes.filter { $0.model == .rootPort && $0.acs == false }.map { node in
      .make(
        "qemu:device", ["alias": GuestDescription.deviceName(node.id)],
        children: [
          .make(
            "qemu:frontend",
            children: [
              .make("qemu:property", ["name": "disable-acs", "type": "bool", "value": "true"])
            ])
        ])
    }
  }
}

extension XMLElement {
  /// An element with its attributes in alphabetical order, so that the text depends on nothing
  /// else.
  fileprivate static func make(
    _ name: String, _ attributes: [String: String] = [:], text: String? = nil,
    children: [XMLElement] = []
  ) -> XMLElement {
    let element = XMLElement(name: name, stringValue: text)
    for (key, value) in attributes.sorted(by: { $0.key < $1.key }) {
      guard let attribute = XMLNode.attribute(withName: key, stringValue: value) as? XMLNode else {
        continue
      }
      element.addAttribute(attribute)
    }
    for child in children { element.addChild(child) }
    return element
  }
}
