// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import Topology

@testable import Verification

/// One case with a direct and a fallback phase, changed in one place by each test.
@Suite struct CaseAssessmentTests {
  private static let bar: UInt64 = 0xFE00_0000
  private static let memory: UInt64 = 0x10_0000

  private var route = Route.switch
  private var limits: [EmulatorLimit] = []
  private var strict = false
  private var consoleHasFault = false
  private var directAddress = Self.bar
  private var fallbackAddress = Self.memory
  private var directErrno: Int32 = 0
  private var directMismatch = false
  private var hostDifference: String?
  private var diskDifference: String?
  private var lbaOfDirect = 8
  private var hasResult = true

  private func phase(_ phase: Phase, errno: Int32, mismatch: Bool) throws -> PhaseReport {
    let claim = phase == .direct ? "peer" : "memory"
    let transfers = errno == 0 ? #"[{"dir":"read","nsid":1,"extents":[[4096,4096]]}]"# : "[]"
    let text = """
      # xbar {"t":"phase","n":1,"phase":"\(phase.rawValue)","errno":\(errno),"bytes":4096,"ns":1000,\
      "claim":"\(claim)","transfers":\(transfers),\
      "mismatch":\(mismatch ? #"{"at":0,"expected":"cells","found":"a5a5"}"# : "null")}
      """
    guard case .phase(let report) = try ProgramEvent(line: text) else {
      throw ProtocolViolation("not a phase")
    }
    return report
  }

  private func outcome() throws -> CaseOutcome {
    let topology = Topology(
      name: "t", summary: "", machine: Machine(cpu: "max", vcpus: 1, memory: .gibibytes(1)),
      pcie: [],
      nvme: [
        NVMeController(
          id: "nvme0", bus: nil, cmb: nil, pmr: nil,
          namespaces: [
            Namespace(id: "ns0", nsid: 1, size: .mebibytes(256), lba: 512, filesystem: .ext4)
          ])
      ],
      gpus: [GPU(id: "gpu0", videoMemory: .mebibytes(16))],
      routes: [ExpectedRoute(from: "nvme0", to: "gpu0", route: route)], limits: limits)
    func lines(_ phase: Int, _ address: UInt64, lba: Int) -> [String] {
      let begin = String(0x5800_0100 | phase << 1, radix: 16)
      let end = String(0x5800_0101 | phase << 1, radix: 16)
      return [
        "pci_nvme_getfeat cdw11 0x\(begin)", "pci_nvme_read nsid 1 count 4096 lba \(lba)",
        "pci_nvme_map_addr addr \(address) len 4096", "pci_nvme_getfeat cdw11 0x\(end)",
      ]
    }
    let log =
      lines(0, directAddress, lba: lbaOfDirect) + lines(1, fallbackAddress, lba: 8)
    let assessment = CaseAssessment(
      topology: topology,
      bus: BusMap(
        peers: ["gpu0": Self.bar..<Self.bar + (16 << 20)], memory: [0..<1 << 30],
        blockSizes: [1: 512]),
      trace: NVMeTrace(log: Data(log.joined(separator: "\n").utf8)),
      consoleHasDMAFault: consoleHasFault, strict: strict)
    var observation = CaseAssessment.Observation(
      header: CaseHeader(n: 1, name: "ns0.gpu0.read-4k", volume: "ns0", peer: "gpu0", op: .read))
    observation.phases[.direct] = try phase(.direct, errno: directErrno, mismatch: directMismatch)
    observation.phases[.fallback] = try phase(.fallback, errno: 0, mismatch: false)
    if let hostDifference { observation.hostDifferences[.direct] = hostDifference }
    if let diskDifference { observation.diskDifferences[.fallback] = diskDifference }
    if hasResult { observation.result = CaseVerdictLine(line: "ok 1 ns0.gpu0.read-4k") }
    return assessment.record(of: observation).outcome
  }

  @Test func rightBytesOnTheRightPathAreVerified() throws {
    #expect(try outcome().kind == .verified)
  }

  @Test mutating func aDirectPathThroughMemoryIsAWrongPath() throws {
    directAddress = Self.memory
    #expect(try outcome().failure == .wrongPath)
  }

  @Test mutating func aFallbackThroughTheBARIsAWrongPath() throws {
    fallbackAddress = Self.bar
    #expect(try outcome().failure == .wrongPath)
  }

  @Test mutating func anAddressOfNothingIsAWrongPath() throws {
    directAddress = 0xF000_0000
    #expect(try outcome().failure == .wrongPath)
  }

  @Test mutating func blocksThatNoCommandMovedAreAWrongPath() throws {
    lbaOfDirect = 12
    let outcome = try outcome()
    #expect(outcome.failure == .wrongPath)
    #expect(outcome.explanation.contains("2048 bytes"))
  }

  @Test mutating func wrongBytesWithSuccessAreSilentCorruption() throws {
    directMismatch = true
    #expect(try outcome().failure == .silentCorruption)
  }

  @Test mutating func whatOnlyTheHostSeesIsSilentCorruptionToo() throws {
    hostDifference = "zeros"
    #expect(try outcome().failure == .silentCorruption)
  }

  @Test mutating func aWrongRawImageOfTheFallbackIsAWrongFallback() throws {
    diskDifference = "stale"
    #expect(try outcome().failure == .wrongFallback)
  }

  @Test mutating func aKnownLimitNeedsItsEvidence() throws {
    directMismatch = true
    limits = [
      EmulatorLimit(from: "nvme0", to: "gpu0", outcome: .silentCorruption, reason: "because")
    ]
    #expect(try outcome().kind == .failed)
    consoleHasFault = true
    #expect(try outcome().kind == .knownLimit)
    strict = true
    #expect(try outcome().failure == .silentCorruption)
  }

  @Test mutating func anExpectedRefusalFallsBack() throws {
    directErrno = 22
    #expect(try outcome().failure == .unexpectedRefusal)
    route = .none
    #expect(try outcome().kind == .refusedFellBack)
  }

  @Test mutating func successWithoutARouteIsUnexpected() throws {
    route = .none
    #expect(try outcome().failure == .unexpectedSuccess)
  }

  @Test mutating func aCaseWithoutAResultIsIncomplete() throws {
    hasResult = false
    #expect(try outcome().failure == .incomplete)
  }
}
