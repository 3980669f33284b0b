// SPDX-License-Identifier: Apache-2.0

/// What a guest is made of: its machine, PCIe tree, NVMe controllers and GPUs, and what is expected
/// of peer-to-peer DMA between them.
public struct Topology: Sendable, Hashable, Codable {
  /// The name, by which a command line finds the file.
  public var name: String
  /// One sentence that says what the topology shows.
  public var summary: String
  /// Processor, memory and IOMMU.
  public var machine: Machine
  /// Ports, switches and bridges.
  public var pcie: [PCIeNode]
  /// NVMe controllers.
  public var nvme: [NVMeController]
  /// GPUs.
  public var gpus: [GPU]
  /// The expected route of each pair.
  public var routes: [ExpectedRoute]
  /// What is known not to work in the emulator.
  public var limits: [EmulatorLimit]

  /// Makes a topology as given; only `parse` and `load` validate.
  public init(
    name: String, summary: String, machine: Machine, pcie: [PCIeNode] = [],
    nvme: [NVMeController], gpus: [GPU] = [], routes: [ExpectedRoute] = [],
    limits: [EmulatorLimit] = []
  ) {
    self.name = name
    self.summary = summary
    self.machine = machine
    self.pcie = pcie
    self.nvme = nvme
    self.gpus = gpus
    self.routes = routes
    self.limits = limits
  }

  /// The identifiers of all devices whose memory a peer can reach: GPUs and controllers with a CMB.
  public var peerMemory: [String] {
    gpus.map(\.id) + nvme.filter { $0.cmb != nil }.map(\.id)
  }

  /// All namespaces, by ascending `nsid`.
  public var namespaces: [Namespace] {
    nvme.flatMap(\.namespaces).sorted { $0.nsid < $1.nsid }
  }

  /// The controller that a namespace belongs to.
  public func controller(ofNamespace id: String) -> NVMeController? {
    nvme.first { controller in controller.namespaces.contains { $0.id == id } }
  }

  /// The expected route from an NVMe controller to a device's memory; `.none` if nothing is stated.
  public func route(from: String, to: String) -> Route {
    if from == to { return .device }
    return routes.first { $0.from == from && $0.to == to }?.route ?? Route.none
  }

  /// What is known not to work for a pair, if anything.
  public func limit(from: String, to: String) -> EmulatorLimit? {
    limits.first { $0.from == from && $0.to == to }
  }
}
