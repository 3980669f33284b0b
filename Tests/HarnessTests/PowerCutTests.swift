// SPDX-License-Identifier: Apache-2.0

import Testing
import Verification

@testable import Harness

@Suite struct PowerCutTests {
  private func write(_ volume: String, _ slot: Int, _ generation: UInt16) -> Acknowledgment {
    Acknowledgment(n: 5, volume: volume, slot: slot, generation: generation)
  }

  @Test func whatIsAcknowledgedIsToldToTheNextLife() {
    var writes = AcknowledgedWrites(volumes: ["ns1", "ns0"])
    #expect(writes.take(write("ns0", 3, 4)) == nil)
    #expect(writes.take(write("ns0", 3, 5)) == nil)
    #expect(writes.take(write("ns1", 15, 7)) == nil)
    #expect(writes.count == 3 && writes.counts == ["ns0": 2, "ns1": 1])
    #expect(
      writes.arguments == [
        "--acknowledged", "ns0=0,0,0,5,0,0,0,0,0,0,0,0,0,0,0,0",
        "--acknowledged", "ns1=0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,7",
      ])
    writes.forgetCounts()
    #expect(writes.take(write("ns0", 4, 2), counts: false) == nil)
    #expect(writes.count == 0 && writes.generations["ns0"]?[4] == 2)
    #expect(writes.generations["ns0"]?[3] == 5)
  }

  @Test func anAcknowledgmentThatCannotBeIsNamed() {
    var writes = AcknowledgedWrites(volumes: ["ns0"])
    #expect(writes.take(write("ns9", 0, 1))?.contains("`ns9`") == true)
    #expect(writes.take(write("ns0", 16, 1))?.contains("slot 16 of 16") == true)
    #expect(writes.take(write("ns0", -1, 1)) != nil)
    #expect(writes.take(write("ns0", 0, 0))?.contains("generation 0") == true)
    #expect(writes.take(write("ns0", 0, 2)) == nil)
    #expect(
      writes.take(write("ns0", 0, 2))?.contains("generation 2 of slot 0 of ns0 after 2") == true)
    #expect(writes.take(write("ns0", 0, 1)) != nil)
    #expect(writes.count == 1 && writes.generations["ns0"]?[0] == 2)
  }

  @Test func theSameSeedCutsAtTheSameMoments() {
    let moments = { (seed: UInt64) in
      var schedule = CutSchedule(seed: seed)
      return (0..<100).map { _ in schedule.next() }
    }
    #expect(moments(7) == moments(7))
    #expect(moments(7) != moments(8))
    let all = moments(1)
    #expect(all.allSatisfy { CutSchedule.acknowledgments.contains($0.acknowledgments) })
    #expect(all.allSatisfy { $0.delay >= .zero && $0.delay <= .milliseconds(60) })
    #expect(Set(all).count > 95)
  }

  @Test func aSuiteOfManyLivesIsNoPartOfAll() throws {
    #expect(!Harness.Suite.all.members.contains(.powerCut))
    let request = try shipped("switch", suite: .powerCut, path: .direct)
    try request.check()
    #expect(request.options["rounds"] == "3" && request.options["path"] == "direct")
    #expect(request.options["sanitizer"] == nil && !request.tracesDriver)
    let arguments = GuestProgramArguments(request: request, suite: .powerCut, addresses: [:]).list
    #expect(arguments.contains("power-cut") && arguments.contains("--direct"))
    var some = request
    some.only = ["*.cut-*"]
    let refusal = #expect(throws: RequestError.self) { try some.check() }
    #expect(refusal?.description.contains("--only chooses among cases") == true)
  }
}
