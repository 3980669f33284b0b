// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Topology

/// What the reader refuses: the shape of the file, its keys and the types of its values.
struct TopologyRefusalTests {
  @Test func refusesUnknownKeyAndSaysTheNearOne() throws {
    let error = try Sample.refusal(of: "cmb: 64MiB", changedTo: "cbm: 64MiB")
    #expect(
      error.description
        == "sample.yaml:14: unknown key `cbm` in an nvme entry; did you mean `cmb`?")
    #expect(error.column == 5)
  }

  @Test func listsTheKeysWhenNoneIsNear() throws {
    let error = try Sample.refusal(of: "iommu: none", changedTo: "color: red")
    #expect(error.line == 4)
    #expect(error.mend == "use one of `cpu`, `vcpus`, `memory` or `iommu`")
  }

  @Test(arguments: [
    ("crossbar: topology/1", 2, "`crossbar` in the topology"),
    ("name: sample", 1, "`name` in the topology"),
    (", model: switch-upstream", 7, "`model` in a pcie entry"),
    ("cpu: max, ", 4, "`cpu` in the machine"),
    (", filesystem: xfs", 17, "`filesystem` in a namespace"),
    (", video-memory: 256MiB", 24, "`video-memory` in a gpu entry"),
    (", route: none", 27, "`route` in a route"),
    (", reason: a test", 30, "`reason` in a limit"),
  ])
  func refusesMissingKey(text: String, line: Int, named: String) throws {
    let error = try Sample.refusal(of: text, changedTo: "")
    #expect(error.message == "missing key \(named)")
    #expect(error.line == line)
  }

  @Test(arguments: [
    ("name: sample", "name: 7", 2, "must be a text, but is the number `7`"),
    ("name: sample", "name: ''", 2, "is empty"),
    ("id: rp0,", "id: no,", 6, "must be a text, but is the truth value `no`"),
    ("id: rp0,", "id: [a],", 6, "must be a text, but is a list"),
    ("vcpus: 2", "vcpus: two", 4, "must be a whole number, but is `two`"),
    ("vcpus: 2", "vcpus: 99999999999999999999", 4, "must be a whole number"),
    ("cmb: 64MiB", "cmb:", 14, "must be a size, but is nothing"),
    ("cmb: 64MiB", "cmb: {a: b}", 14, "must be a size, but is keys with values"),
    ("id: rp1, model: root-port", "id: rp1, model: root-port, acs: 3", 10, "true or false"),
    ("gpu:\n  - {id: gpu0, bus: dp1, video-memory: 256MiB}", "gpu: 5", 23, "must be a list"),
    (
      "machine: {cpu: max, vcpus: 2, memory: 1GiB, iommu: none}", "machine: q35", 4,
      "the machine must be keys with values, but is `q35`"
    ),
    ("cpu: max", "? [a] : b", 4, "a key of the machine is a list"),
  ])
  func refusesWrongType(old: String, new: String, line: Int, message: String) throws {
    let error = try Sample.refusal(of: old, changedTo: new)
    #expect(error.message.contains(message), "\(error)")
    #expect(error.line == line)
  }

  @Test(arguments: [("64M", "64MiB"), ("64MB", "64MiB"), ("1 gb", "1GiB")])
  func suggestsBinaryUnits(size: String, meant: String) throws {
    let error = try Sample.refusal(of: "cmb: 64MiB", changedTo: "cmb: \(size)")
    #expect(error.mend == "did you mean `\(meant)`?")
  }

  @Test(arguments: [
    ("model: switch-upstream", "model: switch-upsteam", "unknown model", "`switch-upstream`"),
    ("filesystem: xfs", "filesystem: xsf", "unknown filesystem", "`xfs`"),
    ("iommu: none", "iommu: amd", "unknown iommu", "use one of `none` or `intel`"),
    ("route: host-bridge", "route: hostbridge", "unknown route", "`host-bridge`"),
    ("silent-corruption", "silent-coruption", "unknown outcome", "`silent-corruption`"),
  ])
  func suggestsTheNearValue(old: String, new: String, message: String, mend: String) throws {
    let error = try Sample.refusal(of: old, changedTo: new)
    #expect(error.message.hasPrefix(message))
    #expect(error.mend.contains(mend))
  }

  @Test func refusesAnotherFormat() throws {
    let error = try Sample.refusal(of: "topology/1", changedTo: "topology/2")
    #expect(error.description.contains("unknown format `topology/2`; write `topology/1`"))
  }

  @Test func refusesWhatIsNoYAML() throws {
    let error = try Sample.refusal(of: "cpu: max, vcpus: 2", changedTo: "cpu: max vcpus: 2")
    #expect(error.line == 4)
    #expect(error.message.hasPrefix("not valid YAML"))
  }

  @Test func refusesAKeyThatIsGivenTwice() throws {
    let error = try Sample.refusal(of: "cmb: 64MiB", changedTo: "cmb: 64MiB\n    cmb: 32MiB")
    #expect(error.message == "`cmb` is given more than once in one entry")
    #expect(error.line == 14 || error.line == 15)
  }

  @Test(arguments: ["", "# nothing", "---\n...\n", "7", "- a", "a: 1\n---\nb: 2", "\u{0}", "*a"])
  func refusesWhatIsNoTopologyAtAll(text: String) throws {
    _ = try Sample.refusal(text)
  }

  @Test func refusesATopologyWithoutController() throws {
    let error = try Sample.refusal(
      "crossbar: topology/1\nname: a\nsummary: b\nmachine: {cpu: max, vcpus: 1, memory: 1GiB}")
    #expect(error.message.contains("no NVMe controller"))
  }

  @Test func refusesAControllerWithoutNamespace() throws {
    let error = try Sample.refusal(
      of: "namespaces:\n      - {id: ns2, size: 64MiB, lba: 4096, filesystem: ext4}",
      changedTo: "namespaces: []")
    #expect(error.message == "missing key `namespaces` in an nvme entry")
    #expect(error.line == 18)
  }

  @Test func refusesDeepNestingWithoutCrashing() throws {
    _ = try Sample.refusal(String(repeating: "[", count: 100_000))
    _ = try Sample.refusal(String(repeating: "a: {", count: 5000))
  }
}
