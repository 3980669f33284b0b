// SPDX-License-Identifier: Apache-2.0

import Foundation
import SystemPackage
import Testing
import Topology
import Verification

@testable import Artifacts
@testable import Harness

/// A request for a shipped topology.
func shipped(
  _ name: String, suite: Harness.Suite, path: MappingPath? = nil
) throws -> RunRequest {
  let project = try ProjectFiles.locate(executable: #filePath)
  let file = project.path("qemu-configs/topologies/\(name).yaml").string
  return RunRequest(
    topology: try Topology.load(path: file), topologyPath: file, suite: suite,
    kernel: .flavour(nil), location: .embedded, path: path)
}

@Suite struct DeviceMapRequestTests {
  @Test(arguments: [Harness.Suite.p2pdma, .gpu], MappingPath.allCases)
  func aPathForAnotherSuiteIsRefused(suite: Harness.Suite, path: MappingPath) throws {
    let request = try shipped("switch", suite: suite, path: path)
    let error = #expect(throws: RequestError.self) { try request.check() }
    #expect(error?.description.contains("the suite \(suite.rawValue) has no use for it") == true)
  }

  @Test(arguments: [Harness.Suite.deviceMap, .all], MappingPath.allCases)
  func aPathForFilesIsTakenAndRecorded(suite: Harness.Suite, path: MappingPath) throws {
    let request = try shipped("switch", suite: suite, path: path)
    try request.check()
    #expect(request.options["path"] == path.rawValue)
  }

  @Test func nothingIsDirectWithoutACMB() throws {
    let error = #expect(throws: RequestError.self) {
      try shipped("no-cmb", suite: .deviceMap, path: .direct).check()
    }
    #expect(error?.description.contains("no controller of no-cmb has a CMB") == true)
    try shipped("no-cmb", suite: .deviceMap, path: .auto).check()
  }

  @Test func whatIsUsualIsRecordedToo() throws {
    let request = try shipped("switch", suite: .deviceMap)
    #expect(request.options["path"] == "auto")
    #expect(request.options["rounds"] == "3" && request.options["seed"] == "1")
    #expect(request.options["soak"] == nil)
    #expect(try shipped("switch", suite: .all).options["soak"] == "5")
    #expect(try shipped("switch", suite: .gpu).options["path"] == nil)
  }

  @Test(arguments: [Harness.Suite.deviceMap, .gpu, .powerCut])
  func aVirtualIOMMUPassesTheDMAOfAGPUThrough(suite: Harness.Suite) throws {
    let request = try shipped("viommu-switch", suite: suite)
    try request.check()
    #expect(request.iommuDomain == .passThrough && request.options["iommu"] == nil)
    let without = try shipped("switch", suite: suite)
    #expect(without.iommuDomain == nil)
  }

  @Test(arguments: [Harness.Suite.p2pdma, .regression])
  func aVirtualIOMMUTranslatesForTheOtherSuites(suite: Harness.Suite) throws {
    let request = try shipped("viommu-switch", suite: suite)
    try request.check()
    #expect(request.iommuDomain == .translating)
  }

  @Test(arguments: [
    ("identity\n", true), ("identity", true), ("DMA\n", false), ("DMA-FQ\n", false), ("", false),
    ("blocked\n", false), ("identity \u{1B}[2J\n", false),
  ])
  func onlyAnIdentityDomainPassesDMAThrough(type: String, isIdentity: Bool) {
    let objection = IdentityDomain.objection(toType: Array(type.utf8), of: "gpu0 (0000:04:00.0)")
    #expect((objection == nil) == isIdentity)
    #expect(objection?.contains("the IOMMU domain of gpu0 (0000:04:00.0) is '") ?? true)
    #expect(
      IdentityDomain.objection(toType: nil, of: "gpu0")?.contains("CONFIG_INTEL_IOMMU") == true)
  }

  @Test func aVirtualIOMMUDoesNotDoBothInOneGuest() throws {
    let error = #expect(throws: RequestError.self) {
      try shipped("viommu-switch", suite: .all).check()
    }
    let text = error?.description ?? ""
    #expect(text.contains("--suite p2pdma, then --suite gpu and --suite device-map."), "\(text)")
  }

  @Test func anotherMemoryIsTakenAndRecorded() throws {
    let path = try shipped("switch", suite: .gpu).topologyPath
    let request = RunRequest(
      topology: try Topology.load(path: path), topologyPath: path, suite: .gpu,
      kernel: .flavour(nil), location: .embedded, memory: .gibibytes(3))
    try request.check()
    #expect(request.topology.machine.memory == .gibibytes(3))
    #expect(request.options["memory"] == "3GiB")
  }

  @Test(arguments: [ByteCount.mebibytes(255), .gibibytes(65), ByteCount(bytes: 1 << 30 | 512)])
  func aMemoryThatNoGuestCanHaveIsRefused(memory: ByteCount) throws {
    let path = try shipped("switch", suite: .gpu).topologyPath
    let request = RunRequest(
      topology: try Topology.load(path: path), topologyPath: path, suite: .gpu,
      kernel: .flavour(nil), location: .embedded, memory: memory)
    let error = #expect(throws: RequestError.self) { try request.check() }
    #expect(error?.description.contains("--memory: a memory of \(memory) can't be used") == true)
  }

  @Test func aTopologyWithoutAGPUIsRefused() throws {
    var request = try shipped("switch", suite: .deviceMap)
    request.topology.gpus = []
    let error = #expect(throws: RequestError.self) { try request.check() }
    #expect(error?.description.contains("needs a GPU") == true)
  }

  @Test func allSuitesAreOneAfterTheOther() {
    #expect(Harness.Suite.all.members == [.p2pdma, .gpu, .deviceMap])
    #expect(Harness.Suite.deviceMap.rawValue == "device-map")
    #expect(Harness.Suite.deviceMap.program == Harness.Suite.gpu.program)
  }

  private func arguments(
    _ topology: String, _ suite: Harness.Suite = .deviceMap, path: MappingPath? = nil
  ) throws -> [String] {
    GuestProgramArguments(
      request: try shipped(topology, suite: suite, path: path), suite: suite, addresses: [:]
    ).list
  }

  /// The values of an option that may be given several times.
  private func values(_ option: String, in arguments: [String]) -> [String] {
    zip(arguments, arguments.dropFirst()).filter { $0.0 == option }.map(\.1)
  }

  @Test(
    arguments: [
      ("switch", ["nvme0"]), ("two-controllers", ["nvme0", "nvme1"]), ("root-ports", []),
      ("no-cmb", []), ("root-ports-zen", ["nvme0"]), ("small-cmb", ["nvme0"]),
    ] as [(String, [String])])
  func theProgramIsToldWhoseMemoryTheGPUReaches(topology: String, direct: [String]) throws {
    let arguments = try arguments(topology)
    #expect(values("--suite", in: arguments) == ["device-map"])
    #expect(values("--direct", in: arguments) == direct)
    #expect(values("--path", in: arguments) == ["auto"])
    #expect(values("--rounds", in: arguments) == ["3"] && values("--seed", in: arguments) == ["1"])
    #expect(!values("--volume", in: arguments).isEmpty)
  }

  @Test func theProgramIsToldThePath() throws {
    for path in MappingPath.allCases {
      #expect(values("--path", in: try arguments("switch", path: path)) == [path.rawValue])
    }
    let gpu = try arguments("switch", .gpu)
    #expect(!gpu.contains("--path") && !gpu.contains("--direct"))
  }

  @Test(
    arguments: [
      (.deviceMap, nil, "CONFIG_IVGPU=y\n", true), (.all, .direct, "CONFIG_IVGPU=y\n", true),
      (.deviceMap, .auto, "# CONFIG_DEVICE_MAP is not set\n", true),
      (.deviceMap, .fallback, "CONFIG_IVGPU=y\n", false),
      (.deviceMap, nil, "CONFIG_IVGPU=y\nCONFIG_DEVICE_MAP=y\n", false),
      (.gpu, nil, "CONFIG_IVGPU=y\n", false), (.p2pdma, nil, "", false),
    ] as [(Harness.Suite, MappingPath?, String, Bool)])
  func aKernelThatCanMapNothingIsRefused(
    suite: Harness.Suite, path: MappingPath?, text: String, isRefused: Bool
  ) throws {
    let config = FileManager.default.temporaryDirectory.appending(path: "config-\(UUID())").path
    try Data(text.utf8).write(to: URL(filePath: config))
    defer { try? FileManager.default.removeItem(atPath: config) }
    let request = try shipped("switch", suite: suite, path: path)
    let kernel = KernelImage(
      path: "/k/bzImage", release: "7.2", origin: "/home/me/linux", config: FilePath(config),
      symbols: nil, vmlinux: nil, modules: nil)
    do {
      try RunParts.requireDeviceMap(in: kernel, for: request)
      #expect(!isRefused)
    } catch let error as RequestError {
      #expect(isRefused)
      #expect(error.description.contains("/home/me/linux has no device_map"))
      #expect(error.description.contains("--path fallback"))
    }
  }
}
