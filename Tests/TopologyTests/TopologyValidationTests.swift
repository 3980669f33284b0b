// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Topology

/// What the validator refuses: values that can be read but can't be built.
struct TopologyValidationTests {
  /// The sample with some lines more below `pcie:`.
  private func nodes(_ lines: String...) -> String {
    Sample.changed(
      "  - {id: rp1, model: root-port}\n",
      to: "  - {id: rp1, model: root-port}\n" + lines.map { "  - \($0)\n" }.joined())
  }

  // MARK: Buses

  @Test func refusesMissingBus() throws {
    let error = try Sample.refusal(of: "bus: dp1", changedTo: "bus: dp7")
    #expect(
      error.description
        == "sample.yaml:24: `gpu0` is put below `dp7`, which does not exist; did you mean `dp0`?")
  }

  @Test func refusesDuplicateID() throws {
    let error = try Sample.refusal(of: "id: dp1, model", changedTo: "id: rp0, model")
    #expect(error.message == "the id `rp0` is already used on line 6")
    #expect(error.line == 9)
  }

  @Test func namespacesShareTheIDsOfDevices() throws {
    let error = try Sample.refusal(of: "{id: ns1,", changedTo: "{id: rp0,")
    #expect(error.message == "the id `rp0` is already used on line 6")
    #expect(error.line == 17)
  }

  @Test(arguments: ["Rp1", "1rp", "rp_1", "rp.1", "'rp 1'", "abcdefghijklmnopqrstu", "-rp"])
  func refusesUnusableID(id: String) throws {
    let error = try Sample.refusal(of: "id: rp1", changedTo: "id: \(id)")
    #expect(error.message.contains("is not a usable id"))
    #expect(error.line == 10)
  }

  @Test func acceptsAnIDOfTwentyCharacters() throws {
    let yaml = Sample.changed("id: dp1, ", to: "id: abcdefghijklmnopqrst, ")
      .replacingOccurrences(of: "bus: dp1", with: "bus: abcdefghijklmnopqrst")
    _ = try Topology.parse(yaml, file: "sample.yaml")
  }

  @Test func refusesCyclicBus() throws {
    let error = try Sample.refusal(
      of: "switch-upstream, bus: rp0", changedTo: "switch-upstream, bus: dp0")
    #expect(error.message == "`up0` is below itself (up0 < dp0 < up0)")
    #expect(error.line == 7)
  }

  @Test func refusesANodeBelowItself() throws {
    let error = try Sample.refusal(
      of: "switch-upstream, bus: rp0", changedTo: "switch-upstream, bus: up0")
    #expect(error.message == "`up0` is below itself (up0 < up0)")
  }

  @Test(arguments: [
    ("{id: x, model: switch-downstream, bus: rp1}", "a switch-upstream"),
    ("{id: x, model: switch-downstream}", "a switch-upstream"),
    ("{id: x, model: switch-upstream}", "a root-port or a switch-downstream"),
    ("{id: x, model: switch-upstream, bus: up0}", "a root-port or a switch-downstream"),
    (
      "{id: x, model: root-port, bus: dp1}", "an expander-bus or the root complex (no `bus:`)"
    ),
    ("{id: x, model: expander-bus, bus: rp1}", "the root complex (no `bus:`)"),
    (
      "{id: x, model: pcie-to-pci-bridge, bus: up0}",
      "a root-port, a switch-downstream or the root complex (no `bus:`)"
    ),
  ])
  func refusesWrongParentKind(node: String, possible: String) throws {
    let error = try Sample.refusal(nodes(node))
    #expect(error.message.contains("can't be below"))
    #expect(error.mend == "put it below \(possible)")
    #expect(error.line == 11)
  }

  @Test(arguments: [("gpu0, bus: dp1", "gpu0, bus: up0"), ("bus: rp1", "bus: up0")])
  func refusesEndpointsRightBelowAnUpstreamPort(old: String, new: String) throws {
    let error = try Sample.refusal(of: old, changedTo: new)
    #expect(error.message.contains("can't be below `up0`, a switch-upstream"))
  }

  @Test func refusesAnythingBelowADevice() throws {
    let error = try Sample.refusal(of: "bus: dp1", changedTo: "bus: nvme0")
    #expect(error.message.contains("an NVMe controller has nothing below it"))
  }

  @Test func refusesASecondChildBelowAPort() throws {
    let error = try Sample.refusal(of: "bus: dp1", changedTo: "bus: dp0")
    #expect(error.message.contains("where `nvme0` is already: a port has one slot"))
    #expect(error.line == 24)
  }

  @Test func acceptsDevicesBelowABridge() throws {
    let yaml = nodes("{id: br0, model: pcie-to-pci-bridge}")
      .replacingOccurrences(of: "bus: dp1", with: "bus: br0")
      .replacingOccurrences(of: "bus: rp1", with: "bus: br0")
    let topology = try Topology.parse(yaml, file: "sample.yaml")
    #expect(topology.placements.suffix(2).map(\.slot) == [1, 2])
  }

  @Test func refusesMoreDevicesThanTheRootComplexHasSlots() throws {
    let ports = (2...30).map { "{id: port\($0), model: root-port}" }
    let lines = ports.map { "  - \($0)\n" }.joined()
    let yaml = Sample.changed("pcie:\n", to: "pcie:\n" + lines)
    let error = try Sample.refusal(yaml)
    #expect(error.message.contains("the root complex has room for 28"))
  }

  @Test func refusesMoreExpanderBusesThanThereAreNumbersFor() throws {
    func yaml(_ count: Int) -> String {
      let lines = (0..<count).map { "  - {id: px\($0), model: expander-bus}\n" }.joined()
      return Sample.changed("pcie:\n", to: "pcie:\n" + lines)
    }
    _ = try Topology.parse(yaml(6), file: "sample.yaml")
    let error = try Sample.refusal(yaml(7))
    #expect(error.message.contains("bus numbers for 6 expander-buses, and `px6` is one too many"))
  }

  @Test func refusesACSWhereQEMUHasNone() throws {
    let error = try Sample.refusal(
      of: "switch-upstream, bus: rp0", changedTo: "switch-upstream, bus: rp0, acs: true")
    #expect(error.message.contains("QEMU has ACS on root ports only"))
  }

  // MARK: Memory

  @Test(arguments: [
    ("3MiB", "the CMB of 3MiB is no power of two", "use 2MiB or 4MiB"),
    ("48MiB", "the CMB of 48MiB is no power of two", "use 32MiB or 64MiB"),
    ("1MiB", "the CMB of 1MiB is too small", "use at least 2MiB"),
    ("0", "the CMB of 0B is no power of two", "a BAR has 2, 4, 8 ... bytes"),
    ("8GiB", "the CMB of 8GiB is too large", "use at most 4GiB"),
  ])
  func refusesCMB(size: String, message: String, mend: String) throws {
    let error = try Sample.refusal(of: "cmb: 64MiB", changedTo: "cmb: \(size)")
    #expect(error.message.hasPrefix(message))
    #expect(error.mend == mend)
    #expect(error.line == 14)
  }

  @Test func refusesPMRThatIsNoPowerOfTwo() throws {
    let error = try Sample.refusal(of: "pmr: 16MiB", changedTo: "pmr: 17MiB")
    #expect(error.message == "the PMR of 17MiB is no power of two")
  }

  @Test(arguments: [
    ("video-memory: 4MiB", "too small"), ("video-memory: 100MiB", "no power of two"),
  ])
  func refusesVideoMemory(entry: String, message: String) throws {
    let error = try Sample.refusal(of: "video-memory: 256MiB", changedTo: entry)
    #expect(error.message.contains(message))
  }

  // MARK: Namespaces

  @Test func refusesOtherBlockSizes() throws {
    let error = try Sample.refusal(of: "lba: 4096", changedTo: "lba: 1024")
    #expect(error.mend == "use 512 or 4096")
    #expect(error.line == 22)
  }

  @Test func refusesASizeThatIsNoMultipleOfTheBlock() throws {
    let error = try Sample.refusal(of: "size: 64MiB", changedTo: "size: 67109376")
    #expect(error.message.contains("is no multiple of its logical block, 4096 bytes"))
  }

  @Test(arguments: [("size: 64MiB", "63MiB", "64MiB"), ("size: 400MiB", "299MiB", "300MiB")])
  func refusesNamespacesTooSmallForTheirFileSystem(
    old: String, size: String, minimum: String
  ) throws {
    let error = try Sample.refusal(of: old, changedTo: "size: \(size)")
    #expect(error.message.contains("\(size) is too small for"))
    #expect(error.mend == "use at least \(minimum)")
  }

  // MARK: Machine

  @Test(arguments: ["0", "17", "-1"])
  func refusesVCPUs(count: String) throws {
    let error = try Sample.refusal(of: "vcpus: 2", changedTo: "vcpus: \(count)")
    #expect(error.mend == "use 1 to 16")
  }

  @Test(arguments: ["255MiB", "65GiB", "1073741825"])
  func refusesMemory(size: String) throws {
    let error = try Sample.refusal(of: "memory: 1GiB", changedTo: "memory: \(size)")
    #expect(error.mend == "use whole MiB from 256MiB to 64GiB")
  }

  @Test func refusesACPUThatIsAnOption() throws {
    let error = try Sample.refusal(of: "cpu: max", changedTo: "cpu: 'max,enforce'")
    #expect(error.message.contains("is not a CPU model"))
  }

  // MARK: Routes and limits

  @Test func refusesMissingRoute() throws {
    let error = try Sample.refusal(of: "  - {from: nvme1, to: gpu0, route: none}\n", changedTo: "")
    #expect(error.message == "no route is stated from `nvme1` to `gpu0`")
    #expect(error.mend.contains("`- {from: nvme1, to: gpu0, route: ...}`"))
    #expect(error.line == 26)
  }

  @Test func anotherControllersCMBNeedsARouteToo() throws {
    let error = try Sample.refusal(
      of: "  - {from: nvme1, to: nvme0, route: host-bridge}\n", changedTo: "")
    #expect(error.message == "no route is stated from `nvme1` to `nvme0`")
  }

  @Test func refusesDuplicateRoute() throws {
    let error = try Sample.refusal(
      of: "to: nvme0, route: host-bridge", changedTo: "to: gpu0, route: host-bridge")
    #expect(error.message == "the route from `nvme1` to `gpu0` is already stated on line 27")
    #expect(error.line == 28)
  }

  @Test(arguments: [
    ("{from: nvme1, to: gpu0", "{from: nvme2, to: gpu0", "`nvme2` is no NVMe controller", "nvme0"),
    ("{from: nvme1, to: gpu0", "{from: gpu0, to: nvme0", "`gpu0` is no NVMe controller", "use one"),
    ("{from: nvme1, to: gpu0", "{from: nvme1, to: gpu1", "`gpu1` is no device", "`gpu0`"),
    ("{from: nvme1, to: gpu0", "{from: nvme0, to: nvme1", "it has no CMB", "give it a `cmb:`"),
    ("{from: nvme1, to: gpu0", "{from: nvme0, to: nvme0", "its own CMB", "remove the entry"),
    ("gpu0, route: none", "gpu0, route: device", "only a controller's way", "`switch`"),
  ])
  func refusesUnknownRoute(old: String, new: String, message: String, mend: String) throws {
    let error = try Sample.refusal(of: old, changedTo: new)
    #expect(error.message.contains(message), "\(error)")
    #expect(error.mend.contains(mend), "\(error)")
  }

  @Test func refusesALimitForAnUnstatedPair() throws {
    let error = try Sample.refusal(
      of: "to: gpu0, outcome", changedTo: "to: nvme1, outcome")
    #expect(error.message.hasSuffix("to `nvme1`, which has no route"))
    #expect(error.line == 30)
  }

  @Test func refusesASecondLimitForAPair() throws {
    let limit = "  - {from: nvme0, to: gpu0, outcome: silent-corruption, reason: a test}"
    let error = try Sample.refusal(of: limit, changedTo: limit + "\n" + limit)
    #expect(error.message.hasPrefix("a second limit"))
    #expect(error.line == 31)
  }
}
