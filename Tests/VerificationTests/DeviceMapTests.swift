// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import Topology
import Verification

@Suite struct DeviceMapTests {
  @Test func aDirectCaseThatAllAccountsAgreeOnIsVerified() throws {
    let record = DeviceMapScene().record
    #expect(record.outcome.kind == .verified, "\(record.outcome)")
    #expect(record.expectedRoute == .switch)
    let files = try #require(record.gpu?.files)
    #expect(files.path == .direct)
    #expect(files.pages == PageCounts(direct: 2))
    #expect(files.controllers?["nvme0"]?.filled == 8192)
    #expect(files.controllers?["nvme0"]?.writtenBack == 0)
  }

  @Test func whatIsWrittenBackProvesTheBARToo() {
    var scene = DeviceMapScene()
    scene.log = DeviceMapScene.filled(direction: .write)
    #expect(scene.outcome.kind == .verified)
    #expect(scene.record.gpu?.files?.controllers?["nvme0"]?.writtenBack == 8192)
  }

  @Test func aFallbackCaseThatAllAccountsAgreeOnIsVerified() {
    let record = DeviceMapScene.fallback.record
    #expect(record.outcome.kind == .verified, "\(record.outcome)")
    #expect(record.gpu?.files?.path == .fallback)
    #expect(record.gpu?.files?.controllers?["nvme0"]?.memory == 8192)
  }

  @Test func aRefusedCaseMayMoveNothing() {
    var scene = DeviceMapScene.fallback
    scene.bytes = [:]
    scene.pages = PageCounts(refusals: 1)
    #expect(scene.outcome.kind == .verified)
    #expect(scene.record.gpu?.files?.path == FileTraffic.Path.none)
  }

  @Test func fileDataInSystemMemoryIsNotDirect() {
    var scene = DeviceMapScene()
    scene.bytes["memory"] = 64
    #expect(scene.outcome.failure == .wrongPath)
    #expect(scene.outcome.explanation.contains("the GPU moved 64 bytes from or to system memory"))
    #expect(scene.record.gpu?.files?.path == .mixed)
  }

  @Test func nothingInTheBARIsNotDirect() {
    var scene = DeviceMapScene()
    scene.bytes = ["video": 4096]
    #expect(scene.outcome.failure == .wrongPath)
    #expect(scene.outcome.explanation.contains("the BAR of nvme0, but the GPU moved no byte there"))
  }

  @Test func aDriverThatMappedNothingDirectlyIsNotDirect() {
    var scene = DeviceMapScene()
    scene.pages = PageCounts(fallback: 2)
    #expect(scene.outcome.failure == .wrongPath)
    #expect(scene.outcome.explanation.contains("the guest's driver mapped no page of it"))
  }

  @Test(arguments: [Place.ram, Place.gpuMemory, Place.cmb + (64 << 20), 0x7_0000_0000])
  func aControllerThatMovedNothingThroughItsBARIsNotDirect(address: UInt64) {
    var scene = DeviceMapScene()
    scene.log = DeviceMapScene.filled(address)
    #expect(scene.outcome.failure == .wrongPath)
    #expect(scene.outcome.explanation.contains("by QEMU's account the controller moved no byte"))
  }

  @Test func aCommandThatTheControllerRefusedMovedNothing() {
    var log = TraceLog()
    log.edge(7, end: false)
    log.line("pci_nvme_read cid 3 nsid 1 nlb 16 count 8192 lba 0x80")
    log.line("pci_nvme_map_addr addr 0x\(String(Place.cmb, radix: 16)) len 4096")
    log.edge(7, end: true)
    var scene = DeviceMapScene()
    scene.log = log
    #expect(scene.outcome.failure == .wrongPath)
    #expect(scene.record.gpu?.files?.controllers?["nvme0"]?.refused == 8192)
  }

  @Test func anAddressThatLeavesTheBARIsSplitWhereItEnds() {
    var log = TraceLog()
    log.edge(7, end: false)
    log.line("pci_nvme_read cid 3 nsid 1 nlb 16 count 8192 lba 0x80")
    let address = Place.cmb + (64 << 20) - 4096
    log.line("pci_nvme_map_addr addr 0x\(String(address, radix: 16)) len 8192")
    log.edge(7, end: true)
    var scene = DeviceMapScene()
    scene.log = log
    let traffic = scene.record.gpu?.files?.controllers?["nvme0"]
    #expect(traffic?.filled == 4096 && traffic?.otherBARs == 4096)
  }

  @Test func whatLiesOutsideOfTheMarkersIsAnotherCases() {
    var log = DeviceMapScene.filled(Place.ram)
    log.command(.read, disk: 0, bytes: 4096, to: Place.cmb)
    var scene = DeviceMapScene()
    scene.log = log
    #expect(scene.outcome.failure == .wrongPath)
    var fallback = DeviceMapScene.fallback
    fallback.log = log
    #expect(fallback.outcome.kind == .verified)
  }

  @Test(arguments: ["bus", "bar"])
  func aBARThatTheGPUReachedIsNoFallback(port: String) {
    var scene = DeviceMapScene.fallback
    scene.bytes[port] = 4096
    #expect(scene.outcome.failure == .wrongPath)
    #expect(scene.outcome.explanation.contains("4096 bytes from or to a BAR of another device"))
  }

  @Test func pagesOfABARAreNoFallback() {
    var scene = DeviceMapScene.fallback
    scene.pages = PageCounts(direct: 3, fallback: 2)
    #expect(scene.outcome.failure == .wrongPath)
    #expect(scene.outcome.explanation.contains("mapped 3 pages to a BAR"))
  }

  @Test(arguments: [Place.cmb, Place.gpuMemory], [TransferDirection.read, .write])
  func aControllerThatUsedABARIsNoFallback(address: UInt64, direction: TransferDirection) {
    var scene = DeviceMapScene.fallback
    scene.log = DeviceMapScene.filled(address, direction: direction)
    #expect(scene.outcome.failure == .wrongPath)
    #expect(scene.outcome.explanation.contains("by QEMU's account nvme0 moved 8192 bytes"))
  }

  @Test func theFallbackAloneNeverTouchesABAR() {
    var scene = DeviceMapScene()
    scene.path = .fallback
    #expect(scene.outcome.failure == .wrongPath)
    #expect(scene.outcome.explanation.contains("the run is to use the page cache only"))
    scene.claim = .mixed
    #expect(scene.outcome.failure == .wrongPath)
    #expect(scene.outcome.explanation.hasPrefix("The run is to use the page cache only, but"))
    var good = DeviceMapScene.fallback
    good.path = .fallback
    #expect(good.outcome.kind == .verified)
  }

  @Test(arguments: [DMAClaim.mixed, .memory, .video])
  func aRunThatIsToUseBARsNeedsAWayThere(claim: DMAClaim) {
    var scene = DeviceMapScene.fallback
    scene.claim = claim
    scene.log = DeviceMapScene.filled(Place.ram)
    scene.bytes["video"] = 4096
    scene.route = .none
    #expect(scene.outcome.kind == .verified, "\(scene.outcome)")
    scene.path = .direct
    #expect(scene.outcome.failure == .wrongPath)
    #expect(
      scene.outcome.explanation
        == "The topology expects no route from nvme0 to gpu0, but the run is to use BARs only.")
    scene.route = .switch
    #expect(scene.outcome.kind == .verified, "\(scene.outcome)")
    scene.hasCMB = false
    #expect(scene.outcome.failure == .wrongPath)
    #expect(
      scene.outcome.explanation
        == "The controller of ns0 has no CMB, but the run is to use BARs only.")
  }

  @Test func whatIsAboutNoFileNeedsNoWay() {
    var scene = DeviceMapScene.fallback
    scene.claim = .mixed
    scene.volume = ""
    scene.log = TraceLog()
    scene.route = .none
    scene.path = .direct
    #expect(scene.outcome.kind == .verified, "\(scene.outcome)")
  }

  @Test func aRouteThatNobodyExpectsIsAnUnexpectedSuccess() {
    var scene = DeviceMapScene()
    scene.route = .none
    #expect(scene.outcome.failure == .unexpectedSuccess)
  }

  @Test(arguments: [DMAClaim.direct("nvme0"), .memory, .mixed])
  func aCaseWithoutMarkersIsNoProof(claim: DMAClaim) {
    var scene = claim == .memory ? .fallback : claim == .mixed ? .mixed : DeviceMapScene()
    scene.log = TraceLog()
    #expect(scene.outcome.failure == .protocolViolation)
    #expect(
      scene.outcome.explanation.contains(
        "QEMU's trace does not bracket case 7: there are no markers"))
    scene.log?.edge(7, end: false)
    #expect(scene.outcome.explanation.contains("its end marker is missing"))
  }

  @Test func aCaseThatDoesNotTellItsPagesIsNoProof() {
    for claim in [DMAClaim.direct("nvme0"), .memory, .mixed] {
      var scene = claim == .memory ? .fallback : DeviceMapScene()
      scene.claim = claim
      scene.pages = nil
      #expect(scene.outcome.failure == .protocolViolation)
      #expect(scene.outcome.explanation.contains("without telling its pages by path"))
    }
  }

  @Test(arguments: ["nvme9", "gpu0", ""])
  func aDeviceWithoutAControllersMemoryCannotBeClaimed(id: String) {
    var scene = DeviceMapScene()
    scene.claim = .direct(id)
    #expect(scene.outcome.failure == .protocolViolation)
    #expect(scene.outcome.explanation.contains("no controller with a CMB `\(id)`"))
  }

  @Test func whatTheGuestFailedOrLeftOutIsNotHeldAgainstThePath() {
    var failed = DeviceMapScene()
    failed.bytes = [:]
    failed.status = .failed("")
    #expect(failed.outcome.failure == .program)
    failed.status = .skipped("no room")
    #expect(failed.outcome.kind == .skipped)
  }

  @Test func aFileThatIsLeftHasToBeOnTheDisk() {
    var scene = DeviceMapScene()
    scene.leavesFile = true
    #expect(scene.outcome.failure == .protocolViolation)
    #expect(scene.outcome.explanation.contains("was not reported"), "\(scene.outcome)")
    scene.isInterrupted = true
    #expect(scene.outcome.failure == .incomplete)
    scene.isCompared = true
    #expect(scene.outcome.kind == .verified, "\(scene.outcome)")
  }

  @Test func theOtherSuiteOfTheGPUOwesNoAccount() {
    var scene = DeviceMapScene()
    scene.pages = nil
    let assessment = GPUCaseAssessment(topology: topology(), findings: [])
    let record = assessment.record(
      of: scene.observation,
      activity: GPUActivity(claim: .memory, commands: 1, bytes: ["memory": 1]))
    #expect(record.outcome.kind == .verified, "\(record.outcome)")
    #expect(record.gpu?.files == nil)
    let still = assessment.record(
      of: scene.observation, activity: GPUActivity(claim: .memory, commands: 1))
    #expect(still.outcome.failure == .wrongPath)
  }

  @Test func markersOfTheSuitesDoNotMeet() {
    var log = TraceLog()
    log.marker(7, .direct, end: false)
    log.command(.read, disk: 0, bytes: 4096, to: Place.gpuMemory)
    log.marker(7, .direct, end: true)
    log.text += DeviceMapScene.filled().text
    let trace = log.trace
    #expect(trace.windows[.init(7, .direct)]?.commands == 0..<1)
    #expect(trace.windows[.init(gpu: 7)]?.commands == 1..<2)
    #expect(trace.windows.values.allSatisfy { $0.flaw == nil })
  }

  @Test func aTraceThatIsTooLongProvesNothing() {
    var log = TraceLog()
    for n in [1, 2] {
      log.edge(n, end: false)
      log.command(.read, disk: 0, bytes: 8192, to: Place.cmb)
      log.edge(n, end: true)
    }
    var parser = NVMeTraceParser(eventLimit: 3)
    parser.take(log.text)
    let trace = parser.finish()
    #expect(trace.isTruncated)
    #expect(trace.windows[.init(gpu: 1)]?.flaw == nil)
    #expect(trace.windows[.init(gpu: 2)]?.flaw == "the trace is too long to be kept")
  }
}
