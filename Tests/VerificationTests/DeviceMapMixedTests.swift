// SPDX-License-Identifier: Apache-2.0

import Testing
import Topology
import Verification

/// Cases that claim no path: whichever they took, all accounts tell the same of it.
@Suite struct DeviceMapMixedTests {
  private func expect(
    _ scene: DeviceMapScene, _ failure: CaseOutcome.Failure, _ words: String,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    #expect(scene.outcome.failure == failure, "\(scene.outcome)", sourceLocation: sourceLocation)
    #expect(
      scene.outcome.explanation.contains(words), "\(scene.outcome)", sourceLocation: sourceLocation)
  }

  @Test func itMayTakeBothPaths() {
    let record = DeviceMapScene.mixed.record
    #expect(record.outcome.kind == .verified, "\(record.outcome)")
    #expect(record.gpu?.files?.path == .mixed)
  }

  @Test func itMayTakeEitherPath() {
    var direct = DeviceMapScene()
    direct.claim = .mixed
    #expect(direct.outcome.kind == .verified, "\(direct.outcome)")
    #expect(direct.record.gpu?.files?.path == .direct)
    var fallback = DeviceMapScene.fallback
    fallback.claim = .mixed
    fallback.log = DeviceMapScene.filled(Place.ram)
    #expect(fallback.outcome.kind == .verified, "\(fallback.outcome)")
    #expect(fallback.record.gpu?.files?.path == .fallback)
  }

  /// A page that was taken back before the GPU came to it is no contradiction.
  @Test func whatWasMappedNeedNotBeReached() {
    var scene = DeviceMapScene.mixed
    scene.bytes = ["memory": 4096]
    #expect(scene.outcome.kind == .verified, "\(scene.outcome)")
    scene.bytes = ["bus": 4096]
    #expect(scene.outcome.kind == .verified, "\(scene.outcome)")
  }

  @Test(arguments: ["bus", "bar"])
  func bytesInABARNeedPagesOfIt(port: String) {
    var scene = DeviceMapScene.mixed
    scene.bytes = [port: 8192, "memory": 4096]
    #expect(scene.outcome.kind == .verified, "\(scene.outcome)")
    scene.pages = PageCounts(fallback: 3)
    expect(
      scene, .wrongPath,
      "contradict each other: the GPU moved 8192 bytes from or to a BAR, of which its driver mapped no "
        + "page")
  }

  @Test func bytesInSystemMemoryNeedPagesOfIt() {
    var scene = DeviceMapScene.mixed
    scene.pages = PageCounts(direct: 3)
    expect(
      scene, .wrongPath,
      "the GPU moved 4096 bytes from or to system memory, of which its driver mapped no page")
  }

  @Test(arguments: [Place.ram, 0x7_0000_0000])
  func bytesInABARNeedAControllerThatFilledIt(address: UInt64) {
    var scene = DeviceMapScene.mixed
    scene.log = DeviceMapScene.filled(address)
    expect(
      scene, .wrongPath,
      "the GPU moved 8192 bytes from or to a BAR, but by QEMU's account nvme0 moved no byte from its "
        + "disk into its own")
  }

  /// The other way round is no way for a file's blocks to get there.
  @Test func whatIsWrittenBackHasBeenFilledBefore() {
    var scene = DeviceMapScene.mixed
    scene.log = DeviceMapScene.filled(direction: .write)
    expect(scene, .wrongPath, "but by QEMU's account nvme0 moved no byte from its disk")
  }

  @Test func pagesOfABARNeedAControllerThatFilledThem() {
    var scene = DeviceMapScene.mixed
    scene.bytes = ["memory": 4096]
    scene.log = DeviceMapScene.filled(Place.ram)
    expect(
      scene, .wrongPath,
      "the driver mapped 2 pages of a BAR, but by QEMU's account nvme0 moved no byte from its disk")
    // It did nothing at all.
    scene.log = TraceLog()
    scene.log?.edge(7, end: false)
    scene.log?.edge(7, end: true)
    expect(scene, .wrongPath, "the driver mapped 2 pages of a BAR, but by QEMU's account nvme0")
  }

  @Test(arguments: [Place.gpuMemory, Place.cmb + (64 << 20)])
  func aControllerUsesNoBARButItsOwn(address: UInt64) {
    var scene = DeviceMapScene.mixed
    var log = TraceLog()
    log.edge(7, end: false)
    log.command(.read, disk: 0x10000, bytes: 8192, to: Place.cmb)
    log.command(.read, disk: 0x20000, bytes: 4096, to: address)
    log.edge(7, end: true)
    scene.log = log
    expect(scene, .wrongPath, "by QEMU's account nvme0 moved 4096 bytes from or to a BAR, and not")
  }

  @Test func anotherControllersBARIsNotThatOfTheCase() {
    var scene = DeviceMapScene.mixed
    var log = TraceLog()
    log.edge(7, end: false)
    log.command(.read, disk: 0x10000, bytes: 8192, to: Place.cmb)
    log.command(.read, nsid: 3, disk: 0x10000, bytes: 8192, to: Place.cmb + (64 << 20))
    log.edge(7, end: true)
    scene.log = log
    expect(scene, .wrongPath, "by QEMU's account nvme1 moved 8192 bytes from or to a BAR, and not")
  }

  /// Of races that last for hours. The other two accounts are held against each other all the same.
  @Test func aTraceThatIsTooLongIsOneAccountLess() {
    var scene = DeviceMapScene.mixed
    scene.eventLimit = 1
    #expect(scene.trace.isTruncated)
    #expect(scene.outcome.kind == .verified, "\(scene.outcome)")
    #expect(scene.record.gpu?.files?.controllers == nil)
    scene.pages = PageCounts(fallback: 3)
    expect(scene, .wrongPath, "of which its driver mapped no page")
    scene.claim = .direct("nvme0")
    expect(scene, .protocolViolation, "the trace is too long to be kept")
  }

  // MARK: - Where there is no way

  private func expectNoWay(
    _ words: String, _ change: (inout DeviceMapScene) -> Void
  ) {
    var good = DeviceMapScene.fallback
    good.claim = .mixed
    good.log = DeviceMapScene.filled(Place.ram)
    change(&good)
    #expect(good.outcome.kind == .verified, "\(good.outcome)")
    var scene = good
    scene.bytes["bus"] = 4096
    expect(scene, .unexpectedSuccess, "\(words), but the GPU moved 4096 bytes from or to a BAR")
    scene = good
    scene.pages?.direct = 1
    expect(scene, .unexpectedSuccess, "\(words), but the guest's driver mapped 1 pages to a BAR")
    guard !good.volume.isEmpty else { return }
    scene = good
    scene.log = DeviceMapScene.filled()
    expect(scene, .unexpectedSuccess, "\(words), but by QEMU's account nvme0 moved 8192 bytes")
  }

  @Test func withoutARouteThereIsNoBAR() {
    expectNoWay("The topology expects no route from nvme0 to gpu0") { $0.route = .none }
  }

  @Test func withoutACMBThereIsNoBAR() {
    expectNoWay("The controller of ns0 has no CMB") { $0.hasCMB = false }
  }

  @Test func withoutAVolumeThereIsNoBAR() {
    expectNoWay("The case has no volume") {
      $0.volume = ""
      $0.log = TraceLog()
    }
  }
}
