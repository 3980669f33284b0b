// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@testable import Topology

struct TopologyFilesTests {
  @Test func shipsTheTopologiesThatTheREADMENames() {
    let names = Topology.list(in: [Sample.shipped]).map(\.name)
    #expect(names == names.sorted())
    #expect(
      Set(names).isSuperset(of: [
        "bridge", "lba-4096", "no-cmb", "root-ports", "root-ports-zen", "small-cmb", "switch",
        "two-controllers", "viommu-root-ports", "viommu-switch",
      ]))
  }

  @Test(arguments: Topology.list(in: [Sample.shipped]))
  func shippedTopologyIsValidAndNamedAsItsFile(file: TopologyFile) throws {
    let topology = try Topology.load(file)
    #expect(topology.name == file.name)
    #expect(topology.summary.hasSuffix("."))
    #expect(Set(topology.namespaces.map(\.filesystem)) == [.ext4, .xfs])
  }

  @Test(arguments: [
    ("switch", Route.switch), ("root-ports", .none), ("root-ports-zen", .hostBridge),
    ("viommu-root-ports", .hostBridge), ("viommu-switch", .switch), ("bridge", .switch),
  ])
  func shippedTopologyExpectsItsRoute(name: String, route: Route) throws {
    let path = try Topology.search(name: name, in: [Sample.shipped])
    let topology = try Topology.load(path: path)
    #expect(topology.route(from: "nvme0", to: "gpu0") == route)
    #expect((topology.limit(from: "nvme0", to: "gpu0") != nil) == (name == "viommu-switch"))
  }

  @Test func unknownNameListsTheKnownOnes() throws {
    let error = try #require(throws: TopologyError.self) {
      try Topology.search(name: "swich", in: [Sample.shipped])
    }
    #expect(error.message == "there is no topology `swich`")
    #expect(error.mend.hasPrefix("did you mean `switch`? Known are `bridge`, "))
  }

  @Test func aSlashOrSuffixMakesAPath() throws {
    let path = Sample.shipped + "/switch.yaml"
    #expect(try Topology.search(name: path, in: []) == path)
    let error = try #require(throws: TopologyError.self) {
      try Topology.search(name: "switch.yaml", in: [Sample.shipped])
    }
    #expect(error.file == "switch.yaml")
  }

  @Test func anEarlierDirectoryHidesALaterOne() throws {
    let directory = FileManager.default.temporaryDirectory
      .appending(path: "topologies-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }
    let own = directory.appending(path: "switch.yaml").path()
    try Sample.yaml.write(toFile: own, atomically: true, encoding: .utf8)
    let both = [directory.path(), Sample.shipped]
    #expect(Topology.list(in: both).count == Topology.list(in: [Sample.shipped]).count)
    #expect(try Topology.load(path: Topology.search(name: "switch", in: both)).name == "sample")
  }

  @Test func aNameThatIsNotItsFilesIsRefusedWithItsLine() throws {
    let path = FileManager.default.temporaryDirectory
      .appending(path: "mine-\(UUID().uuidString).yaml").path()
    try Sample.yaml.write(toFile: path, atomically: true, encoding: .utf8)
    defer { try? FileManager.default.removeItem(atPath: path) }
    let error = try #require(throws: TopologyError.self) {
      try Topology.load(TopologyFile(name: "mine", path: path))
    }
    #expect(error.file == path)
    #expect(error.line == 2)
    #expect(error.message == "the topology calls itself `sample`, its file `mine`")
    #expect(error.mend == "change `name` to `mine`, or rename the file")
    #expect(try Topology.load(path: path).name == "sample")
  }

  @Test func noDirectoryAtAllIsSaid() throws {
    let error = try #require(throws: TopologyError.self) {
      try Topology.search(name: "switch", in: ["/nonexistent"])
    }
    #expect(error.description.contains("there are no topologies in /nonexistent"))
  }

  @Test(arguments: ["/nonexistent/a.yaml", "/"])
  func refusesUnreadableFiles(path: String) throws {
    let error = try #require(throws: TopologyError.self) { try Topology.load(path: path) }
    #expect(error.file == path)
  }
}
