// SPDX-License-Identifier: Apache-2.0

import Foundation

extension Topology {
  /// The largest topology file that is read, in bytes.
  static let maximumFileSize = 1 << 20

  /// Reads and validates a topology that is found by its file's name, which must be its own.
  public static func load(_ file: TopologyFile) throws(TopologyError) -> Topology {
    try parse(text(path: file.path), file: file.path, named: file.name)
  }

  /// Reads and validates a topology file.
  public static func load(path: String) throws(TopologyError) -> Topology {
    try parse(text(path: path), file: path)
  }

  private static func text(path: String) throws(TopologyError) -> String {
    let data: Data
    do {
      let handle = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
      defer { try? handle.close() }
      data = try handle.read(upToCount: maximumFileSize + 1) ?? Data()
    } catch {
      let exists = FileManager.default.fileExists(atPath: path)
      throw TopologyError(
        file: path,
        message: exists ? "the topology file can't be read" : "there is no such topology file",
        mend: exists ? "check that it is a file and its permissions" : "check the path")
    }
    guard data.count <= maximumFileSize else {
      throw TopologyError(
        file: path, message: "the file is larger than \(ByteCount(bytes: UInt64(maximumFileSize)))",
        mend: "name a topology file")
    }
    guard let yaml = String(data: data, encoding: .utf8) else {
      throw TopologyError(
        file: path, message: "the file is not UTF-8 text", mend: "save it as UTF-8")
    }
    return yaml
  }

  /// Reads and validates the text of a topology file; `file` is the name that errors show.
  public static func parse(_ yaml: String, file: String) throws(TopologyError) -> Topology {
    try parse(yaml, file: file, named: nil)
  }

  private static func parse(
    _ yaml: String, file: String, named name: String?
  ) throws(TopologyError) -> Topology {
    let source = try SourceMap(yaml: yaml, file: file)
    let topology = try TopologyReader(source: source).read()
    try TopologyValidator(topology: topology, source: source).validate()
    if let name, topology.name != name {
      throw source.error(
        at: ["name"], "the topology calls itself `\(topology.name.prefix(80))`, its file `\(name)`",
        mend: "change `name` to `\(name)`, or rename the file")
    }
    return topology
  }
}

/// Turns the YAML of a topology into values, without judging whether they fit together.
struct TopologyReader {
  let source: SourceMap

  /// The format that this reader understands.
  private static let format = "topology/1"

  func read() throws(TopologyError) -> Topology {
    let file = try EntryReader(
      source.root, at: [], of: source, what: "the topology",
      keys: [
        "crossbar", "name", "summary", "machine", "pcie", "nvme", "gpu", "routes", "limits",
      ])
    let format = try file.text("crossbar")
    guard format == Self.format else {
      throw file.error(
        "crossbar", "unknown format `\(format.prefix(40))`", mend: "write `\(Self.format)`")
    }
    return Topology(
      name: try file.text("name"), summary: try file.text("summary"), machine: try machine(file),
      pcie: try pcie(file), nvme: try nvme(file), gpus: try gpus(file), routes: try routes(file),
      limits: try limits(file))
  }

  private func machine(_ file: EntryReader) throws(TopologyError) -> Machine {
    let entry = try file.entry(
      "machine", what: "the machine", keys: ["cpu", "vcpus", "memory", "iommu"])
    return Machine(
      cpu: try entry.text("cpu"), vcpus: try entry.integer("vcpus"),
      memory: try entry.bytes("memory"),
      iommu: try entry.optionalChoice("iommu", IOMMU.self) ?? IOMMU.none)
  }

  private func pcie(_ file: EntryReader) throws(TopologyError) -> [PCIeNode] {
    var nodes: [PCIeNode] = []
    for entry in try file.entries(
      "pcie", what: "a pcie entry", keys: ["id", "model", "bus", "acs"])
    {
      nodes.append(
        PCIeNode(
          id: try entry.text("id"), model: try entry.choice("model", PCIeNode.Model.self),
          bus: try entry.optionalText("bus"), acs: try entry.optionalFlag("acs")))
    }
    return nodes
  }

  private func nvme(_ file: EntryReader) throws(TopologyError) -> [NVMeController] {
    var controllers: [NVMeController] = []
    var nsid: UInt32 = 0
    for entry in try file.entries(
      "nvme", what: "an nvme entry", keys: ["id", "bus", "cmb", "pmr", "namespaces"])
    {
      var namespaces: [Namespace] = []
      for namespace in try entry.entries(
        "namespaces", what: "a namespace", keys: ["id", "size", "lba", "filesystem"])
      {
        nsid += 1
        namespaces.append(
          Namespace(
            id: try namespace.text("id"), nsid: nsid, size: try namespace.bytes("size"),
            lba: try namespace.integer("lba"),
            filesystem: try namespace.choice("filesystem", FileSystem.self)))
      }
      guard !namespaces.isEmpty else { throw entry.missing("namespaces") }
      controllers.append(
        NVMeController(
          id: try entry.text("id"), bus: try entry.optionalText("bus"),
          cmb: try entry.optionalBytes("cmb"), pmr: try entry.optionalBytes("pmr"),
          namespaces: namespaces))
    }
    guard !controllers.isEmpty else {
      throw file.error(
        "nvme", "the topology has no NVMe controller, so nothing can do peer-to-peer DMA",
        mend: "add an entry below `nvme:`")
    }
    return controllers
  }

  private func gpus(_ file: EntryReader) throws(TopologyError) -> [GPU] {
    var gpus: [GPU] = []
    for entry in try file.entries("gpu", what: "a gpu entry", keys: ["id", "bus", "video-memory"]) {
      gpus.append(
        GPU(
          id: try entry.text("id"), bus: try entry.optionalText("bus"),
          videoMemory: try entry.bytes("video-memory")))
    }
    return gpus
  }

  private func routes(_ file: EntryReader) throws(TopologyError) -> [ExpectedRoute] {
    var routes: [ExpectedRoute] = []
    for entry in try file.entries("routes", what: "a route", keys: ["from", "to", "route"]) {
      routes.append(
        ExpectedRoute(
          from: try entry.text("from"), to: try entry.text("to"),
          route: try entry.choice("route", Route.self)))
    }
    return routes
  }

  private func limits(_ file: EntryReader) throws(TopologyError) -> [EmulatorLimit] {
    var limits: [EmulatorLimit] = []
    for entry in try file.entries(
      "limits", what: "a limit", keys: ["from", "to", "outcome", "reason"])
    {
      limits.append(
        EmulatorLimit(
          from: try entry.text("from"), to: try entry.text("to"),
          outcome: try entry.choice("outcome", EmulatorLimit.Outcome.self),
          reason: try entry.text("reason")))
    }
    return limits
  }
}
