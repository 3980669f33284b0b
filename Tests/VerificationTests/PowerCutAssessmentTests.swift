// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import Topology
import Verification

@Suite struct PowerCutAssessmentTests {
  /// What the next life says of `ns0`.
  private func cases(
    verify: CaseVerdictLine.Status? = .passed, check: CaseVerdictLine.Status? = .passed
  ) -> [CaseObservation] {
    [("verify", verify), ("check", check)].enumerated().map { index, item in
      let name = "gpu0.ns0.\(item.0)"
      var observation = CaseObservation(
        header: CaseHeader(n: index + 1, name: name, volume: "ns0", peer: "gpu0", op: .gpu))
      observation.result = item.1.map { CaseVerdictLine(n: index + 1, name: name, status: $0) }
      return observation
    }
  }

  private func activity(
    _ bytes: [String: UInt64] = ["bus": 65536, "video": 65536], writtenBack: UInt64 = 65536
  ) -> GPUActivity {
    var traffic = ControllerTraffic()
    traffic.writtenBack = writtenBack
    var activity = GPUActivity(claim: .direct("nvme0"), bytes: bytes)
    activity.files = FileTraffic(bytes: bytes, pages: nil, controllers: ["nvme0": traffic])
    return activity
  }

  private func outcome(
    _ cases: [CaseObservation], _ activity: GPUActivity?, path: MappingPath = .auto,
    topology chosen: Topology? = nil
  ) -> CaseOutcome {
    var one = topology()
    one.nvme.removeLast()
    return PowerCutAssessment(topology: chosen ?? one, path: path).record(
      number: 4, cut: 17, volume: "ns0", gpu: "gpu0", cases: cases, activity: activity
    ).outcome
  }

  @Test func aCutThatLostNothingIsVerified() {
    let record = PowerCutAssessment(topology: topology(), path: .auto).record(
      number: 4, cut: 17, volume: "ns0", gpu: "gpu0", cases: cases(), activity: activity())
    #expect(record.outcome.kind == .verified, "\(record.outcome)")
    #expect(record.name == "gpu0.ns0.cut-017" && record.number == 4)
    #expect(record.expectedRoute == .switch && record.gpu?.files?.path == .direct)
  }

  @Test func whatWasAcknowledgedAndIsNotThereIsALostWrite() {
    var seen = cases(verify: .failed(""))
    seen[0].diagnostic = "slot 3 has generation 4 instead of 5"
    let outcome = outcome(seen, activity())
    #expect(outcome.failure == .lostWrite)
    #expect(outcome.explanation.contains("slot 3 has generation 4 instead of 5"))
  }

  @Test func aFileSystemWithFaultsIsUnclean() {
    #expect(
      outcome(cases(check: .failed("e2fsck exits 4")), activity()).failure == .uncleanFileSystem)
  }

  @Test func aLifeThatDidNotLookIsNoProof() {
    #expect(outcome(cases(verify: nil), activity()).failure == .incomplete)
    #expect(outcome(cases(check: .skipped("no e2fsck")), activity()).failure == .incomplete)
    #expect(outcome([], activity()).failure == .incomplete)
    #expect(outcome(cases(), nil).failure == .incomplete)
  }

  @Test func writesHaveToTakeTheirPath() {
    #expect(outcome(cases(), activity()).kind == .verified)
    #expect(outcome(cases(), activity(["memory": 1, "bus": 1])).failure == .wrongPath)
    #expect(outcome(cases(), activity(["video": 1])).failure == .wrongPath)
    #expect(outcome(cases(), activity(writtenBack: 0)).failure == .wrongPath)
  }

  @Test func writesOfTheFallbackTouchNoBAR() {
    let good = activity(["memory": 65536], writtenBack: 0)
    #expect(outcome(cases(), good, path: .fallback).kind == .verified)
    #expect(outcome(cases(), activity(), path: .fallback).failure == .wrongPath)
    #expect(
      outcome(cases(), activity(["memory": 65536]), path: .fallback).failure == .wrongPath)
    #expect(outcome(cases(), good, topology: topology(route: .none)).kind == .verified)
  }

  @Test func volumesWithoutARouteMayUseSystemMemoryBesideTheOthers() {
    let both = activity(["memory": 65536, "bus": 65536])
    #expect(outcome(cases(), both, topology: topology()).kind == .verified)
  }

  @Test func readsAnAcknowledgment() throws {
    let line = #"# xbar {"t":"ack","n":5,"volume":"ns0","slot":3,"generation":17}"#
    #expect(
      try ProgramEvent(line: line)
        == .acknowledgment(Acknowledgment(n: 5, volume: "ns0", slot: 3, generation: 17)))
    for wrong in [
      line.replacing(#""slot":3"#, with: #""slot":16"#),
      line.replacing(#""slot":3"#, with: #""slot":-1"#),
      line.replacing("17", with: "65536"), line.replacing(#","generation":17"#, with: ""),
      line.replacing(#""n":5"#, with: #""n":0"#),
    ] {
      #expect(throws: ProtocolViolation.self) { try ProgramEvent(line: wrong) }
    }
  }

  @Test func anAcknowledgmentBelongsToTheCaseUnderWay() {
    var transcript = ProgramTranscript()
    transcript.take("1..2")
    let ack = #"# xbar {"t":"ack","n":1,"volume":"ns0","slot":3,"generation":17}"#
    #expect(transcript.take(ack) == nil)
    transcript.take(
      #"# xbar {"t":"case","n":1,"name":"gpu0.write","volume":"","peer":"gpu0","op":"gpu"}"#)
    #expect(transcript.take(ack) != nil)
    #expect(transcript.take(ack.replacing(#""n":1"#, with: #""n":2"#)) == nil)
  }

  @Test func theWholeTraceIsTheControllersAccount() {
    var log = DeviceMapScene.filled(direction: .write)
    log.command(.read, disk: 0, bytes: 4096, to: Place.cmb)
    let account = DeviceMapAccount(
      topology: topology(), bus: busMap, trace: log.trace, path: .auto)
    #expect(account.traffic()["nvme0"]?.writtenBack == 8192)
    #expect(account.traffic()["nvme0"]?.filled == 4096)
  }
}
