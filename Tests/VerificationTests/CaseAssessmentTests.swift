// SPDX-License-Identifier: Apache-2.0

import Testing
import Topology
import Verification

@Suite struct CaseAssessmentTests {
  private let refusedReport = report(.direct, errno: 121)

  private var refusedTrace: NVMeTrace {
    var log = TraceLog()
    log.marker(1, .direct, end: false)
    log.marker(1, .direct, end: true)
    log.marker(1, .fallback, end: false)
    log.command(.read, disk: 0x10000, bytes: 8192, to: Place.ram)
    log.marker(1, .fallback, end: true)
    return log.trace
  }

  private var copyTrace: NVMeTrace {
    var log = TraceLog()
    log.marker(1, .direct, end: false)
    log.marker(1, .direct, end: true)
    log.marker(1, .fallback, end: false)
    log.command(.read, disk: 0x10000, bytes: 8192, to: Place.ram)
    log.command(.write, nsid: 3, disk: 0x20000, bytes: 8192, to: Place.ram)
    log.marker(1, .fallback, end: true)
    return log.trace
  }

  @Test func aGoodCaseIsVerified() {
    let record = assess(observation())
    #expect(record.outcome == CaseOutcome(.verified))
    #expect(record.expectedRoute == .switch)
    #expect(record.phases.map(\.phase) == [.direct, .fallback])
    #expect(record.phase(.direct)?.seconds == 0.00005)
    #expect(record.what == "read-8k")
  }

  @Test(arguments: [22, 95, 121] as [Int32])
  func anExpectedRefusalPasses(errno: Int32) {
    let outcome = assess(
      observation(direct: report(.direct, errno: errno)), trace: refusedTrace,
      topology: topology(route: Route.none)
    ).outcome
    #expect(outcome.kind == .refusedFellBack)
    #expect(outcome.explanation.contains("errno \(errno)"))
  }

  @Test func anUnexpectedRefusalFails() {
    let outcome = assess(observation(direct: refusedReport), trace: refusedTrace).outcome
    #expect(outcome.failure == .unexpectedRefusal)
    #expect(outcome.explanation.contains("expects the route `switch`"))
  }

  @Test func anErrorThatIsNoRefusalFailsEvenWhereARefusalIsExpected() {
    let outcome = assess(
      observation(direct: report(.direct, errno: 5)), trace: refusedTrace,
      topology: topology(route: Route.none)
    ).outcome
    #expect(outcome.failure == .transferError)
  }

  @Test func anUnexpectedSuccessFails() {
    let outcome = assess(observation(), topology: topology(route: Route.none)).outcome
    #expect(outcome.failure == .unexpectedSuccess)
  }

  @Test func aRefusalThatMovedDataIntoTheBARFails() {
    var log = TraceLog()
    log.goodCase()
    let outcome = assess(
      observation(direct: refusedReport), trace: log.trace, topology: topology(route: Route.none)
    ).outcome
    #expect(outcome.failure == .wrongPath)
    #expect(outcome.explanation.contains("refused the direct path, but 8192 bytes"))
  }

  @Test func successWithWrongBytesIsSilentCorruption() {
    let record = assess(observation(direct: report(.direct, mismatch: wrongZeros)))
    #expect(record.outcome.failure == .silentCorruption)
    #expect(record.outcome.explanation.contains("reported success, but"))
    #expect(record.phase(.direct)?.mismatch?.contains("found zeros") == true)
  }

  @Test func theHostsExplanationComesFirst() {
    var seen = observation(direct: report(.direct, mismatch: wrongZeros))
    seen.hostDifferences[.direct] = "in the host's view of gpu0, 4096 bytes are zeros"
    let outcome = assess(seen).outcome
    #expect(outcome.failure == .silentCorruption)
    #expect(outcome.explanation.contains("in the host's view of gpu0"))
  }

  @Test func aHostThatSeesOtherBytesThanTheGuestFails() {
    var seen = observation()
    seen.hostDifferences[.direct] = "in the host's view of gpu0, bit 0 is flipped"
    let outcome = assess(seen).outcome
    #expect(outcome.failure == .hostViewDiffers)
    #expect(outcome.explanation.contains("bit 0 is flipped"))
  }

  @Test func aDiskThatHoldsOtherBytesThanTheGuestReadFails() {
    var seen = observation()
    seen.diskDifferences[.direct] = "in the raw image of ns0, 512 bytes are stale"
    #expect(assess(seen).outcome.failure == .wrongDisk)
    seen.diskDifferences = [.fallback: "in the raw image of ns0, 512 bytes are stale"]
    #expect(assess(seen).outcome.failure == .wrongFallback)
  }

  @Test func wrongBytesInTheFallbackFail() {
    let outcome = assess(observation(fallback: report(.fallback, mismatch: wrongZeros))).outcome
    #expect(outcome.failure == .wrongFallback)
    let failed = assess(
      observation(fallback: report(.fallback, errno: 28))
    ).outcome
    #expect(failed.explanation.contains("page-cache path failed: No space left on device"))
  }

  @Test func aWrongFallbackFailsARefusedCaseToo() {
    let outcome = assess(
      observation(direct: refusedReport, fallback: report(.fallback, mismatch: wrongZeros)),
      trace: refusedTrace, topology: topology(route: Route.none)
    ).outcome
    #expect(outcome.failure == .wrongFallback)
  }

  @Test func aCaseWithoutEndIsIncomplete() {
    var seen = observation()
    seen.result = nil
    #expect(assess(seen).outcome.failure == .incomplete)
  }

  @Test func aSkippedCaseKeepsItsReason() {
    var seen = observation(status: .skipped("no space left"))
    seen.phases = [:]
    #expect(assess(seen).outcome == CaseOutcome(.skipped, nil, "no space left"))
  }

  @Test func aFailureOfTheProgramsOwnKeepsItsReason() {
    var seen = observation(status: .failed(""))
    seen.diagnostic = "cannot empty the page cache"
    #expect(assess(seen).outcome.failure == .program)
    #expect(assess(seen).outcome.explanation.contains("cannot empty the page cache"))
    seen.phases = [:]
    #expect(assess(seen).outcome.explanation.contains("cannot empty the page cache"))
  }

  @Test func whatTheProgramBreaksIsNamed() {
    let nothing = observation(direct: report(.direct, transfers: []))
    #expect(assess(nothing).outcome.failure == .protocolViolation)
    #expect(assess(nothing).outcome.explanation.contains("lists blocks of 0 only"))
    let fewer = observation(direct: report(.direct, bytes: 4096))
    #expect(assess(fewer).outcome.explanation.contains("moved 4096 bytes directly and 8192"))
    let claim = observation(direct: report(.direct, claim: .memory))
    #expect(assess(claim).outcome.explanation.contains("claims memory"))
    let peer = observation(peer: "gpu9")
    #expect(assess(peer).outcome.explanation.contains("has no peer `gpu9`"))
    var late = observation()
    late.violations = [.phaseTwice(1, .direct)]
    #expect(assess(late).outcome.explanation.contains("reported twice"))
  }

  @Test func aCaseThatMovesNothingIsVerified() {
    let hole = { (phase: Phase) in report(phase, transfers: []) }
    var seen = observation(direct: hole(.direct), fallback: hole(.fallback))
    #expect(assess(seen, trace: refusedTrace).outcome.failure == .protocolViolation)
    seen.inspectedZeros = seen.inspected
    let outcome = assess(seen, trace: refusedTrace).outcome
    #expect(outcome.kind == .verified, "\(outcome)")
  }

  @Test func aControllersMemoryThatNoBlockWentToIsNoProof() {
    let hole = { (phase: Phase) in report(phase, transfers: []) }
    let seen = observation(
      peer: "nvme0", direct: hole(.direct), fallback: hole(.fallback), name: "ns0.nvme0.read-8k")
    let outcome = assess(seen, trace: refusedTrace).outcome
    #expect(outcome.failure == .protocolViolation, "\(outcome)")
    #expect(outcome.explanation.contains("lists blocks of 0 only"), "\(outcome)")
  }

  @Test func bytesThatTheHostWasNotShownAreNoProof() {
    for phase in Phase.allCases {
      var seen = observation()
      seen.inspected[phase] = 8191
      let outcome = assess(seen).outcome
      #expect(outcome.failure == .protocolViolation)
      #expect(outcome.explanation.contains("had the host look at 8191 of them only"))
    }
  }

  @Test func blocksThatAreNotListedAreNoProof() {
    let half = Transfer(
      direction: .read, nsid: 1,
      ranges: [DiskRange(offset: 0x10000, length: 4096)].compactMap { $0 })
    let outcome = assess(observation(direct: report(.direct, transfers: [half]))).outcome
    #expect(outcome.failure == .protocolViolation)
    #expect(outcome.explanation.contains("lists blocks of 4096 only"))
  }

  @Test func phasesOfAReadListTheSameBlocks() {
    let elsewhere = Transfer(
      direction: .read, nsid: 1,
      ranges: [DiskRange(offset: 0x30000, length: 8192)].compactMap { $0 })
    let outcome = assess(observation(fallback: report(.fallback, transfers: [elsewhere]))).outcome
    #expect(outcome.explanation.contains("list different blocks"))
  }

  @Test func aWrittenFileThatWasNotFoundOnTheDiskIsNoProof() {
    let write = { (phase: Phase) in
      report(
        phase,
        transfers: [Transfer(direction: .write, nsid: 1, ranges: readTransfer.ranges)])
    }
    var seen = observation(direct: write(.direct), fallback: write(.fallback), op: .write)
    seen.comparedFiles = [.fallback]
    let outcome = assess(seen).outcome
    #expect(outcome.failure == .protocolViolation)
    #expect(outcome.explanation.contains("the direct phase of case 1 wrote was not reported"))
  }

  @Test func aCopyNeedsTheRoutesOfBothControllers() {
    let name = "ns0.gpu0.copy-64k-to-ns2"
    let record = assess(
      observation(
        direct: refusedReport,
        fallback: report(.fallback, transfers: [readTransfer, writeTransfer]), op: .copy,
        name: name), trace: copyTrace)
    #expect(record.expectedRoute == Route.none)
    #expect(record.outcome.kind == .refusedFellBack)
  }

  @Test func theOwnMemoryIsReachedWithinTheDevice() {
    var log = TraceLog()
    log.goodCase(peer: Place.cmb)
    let record = assess(observation(peer: "nvme0"), trace: log.trace)
    #expect(record.expectedRoute == .device)
    #expect(record.outcome.kind == .verified, "\(record.outcome)")
  }
}
