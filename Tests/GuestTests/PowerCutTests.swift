// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

extension GuestTests {
  /// QEMU is killed while the GPU writes files; what was acknowledged before is there afterwards.
  @Suite struct PowerCuts {
    @Test func whatWasAcknowledgedOutlivesEachCut() async throws {
      let outcome = try await CrossbarProgram.run(
        ["run", "switch", "--suite", "power-cut", "--rounds", "2", "--seed", "11"])
      #expect(outcome.exitCode == 0, "\(outcome.story)")
      #expect(try outcome.kinds() == ["verified": 4])
      let names = try outcome.cases().compactMap { $0["name"] as? String }
      #expect(
        names == [
          "gpu0.ns0.cut-001", "gpu0.ns1.cut-001", "gpu0.ns0.cut-002", "gpu0.ns1.cut-002",
        ])
      let activities = try outcome.cases().compactMap { $0["gpu"] as? [String: Any] }
      #expect(activities.count == 4)
      for activity in activities {
        #expect(activity["claim"] as? String == "direct:nvme0")
        #expect((activity["bytes"] as? [String: Int])?["memory"] == nil)
      }
      #expect(activities.compactMap { $0["acknowledged"] as? Int }.reduce(0, +) > 1)
      #expect(try outcome.record()["seeds"] as? [String: Int] == ["power-cut": 11])
      #expect(outcome.sentences.contains("ns0, ext4: 2 cuts, "))
      #expect(outcome.sentences.contains("none lost or torn; file system clean after each"))
      // The last life only looked, and the one before it was cut off.
      #expect(outcome.file("ktap.log").contains("ok 4 gpu0.ns1.check"))
      #expect(outcome.file("before/ktap.log").contains(#"{"t":"ack","n":5,"#))
      #expect(!outcome.file("before/ktap.log").contains("ok 5 gpu0.write"))
      #expect(outcome.images.isEmpty)
      #expect(HostProcesses.withCommandLine(containing: outcome.directory.path).isEmpty)
    }

    @Test func anAcknowledgmentThatComesTooEarlyIsALostWrite() async throws {
      let outcome = try await CrossbarProgram.run(
        [
          "run", "switch", "--suite", "power-cut", "--rounds", "1", "--seed", "12", "--sabotage",
          "early-acknowledgment",
        ])
      #expect(outcome.exitCode == 1, "\(outcome.story)")
      let failures = try outcome.cases().compactMap { item in
        (item["outcome"] as? [String: Any])?["failure"] as? String
      }
      // One write was under way, so the other volume has lost nothing.
      #expect(failures == ["lost write"])
      #expect(outcome.sentences.contains(#/has generation \d+, and \d+ was acknowledged/#))
      #expect(outcome.sentences.contains("something lost or torn after 1"))
    }
  }
}
