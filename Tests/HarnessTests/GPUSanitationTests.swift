// SPDX-License-Identifier: Apache-2.0

import Testing
import Verification

@testable import Harness
@testable import PeerGPU

@Suite struct GPUSanitationTests {
  /// What a suite with these cases of `gpu0` leaves, by their entries of the log; nil for a case
  /// without an end.
  private func observation(
    _ suite: Harness.Suite, _ cases: [(begin: UInt64, end: UInt64?)], claim: String = "memory",
    volume: String = ""
  ) -> SuiteExecution.Observation {
    var transcript = ProgramTranscript()
    transcript.take("1..\(cases.count)")
    var windows: [Int: GPUWindow] = [:]
    for (index, entries) in cases.enumerated() {
      let n = index + 1
      let name = "gpu0.\(suite.rawValue)-\(n)"
      transcript.take(
        #"# xbar {"t":"case","n":\#(n),"name":"\#(name)","volume":"\#(volume)","peer":"gpu0","op":"gpu"}"#
      )
      transcript.take(#"# xbar {"t":"gpu","n":\#(n),"edge":"begin","claim":"\#(claim)"}"#)
      transcript.take("ok \(n) \(name)")
      windows[n] = GPUWindow(
        gpu: "gpu0", begin: GPUCounters(lastLogNumber: entries.begin),
        end: entries.end.map { GPUCounters(lastLogNumber: $0) })
    }
    return SuiteExecution.Observation(
      suite: suite, testimony: transcript.finish(), windows: windows)
  }

  @Test func theSameNumberInTwoSuitesIsTwoWindows() {
    let windows = GPUSanitation.windows(
      of: "gpu0",
      in: [
        observation(.gpu, [(0, 10), (10, 20)]),
        observation(.deviceMap, [(25, 30), (30, 40)], claim: "direct:nvme0"),
      ])
    #expect(windows.map(\.suite) == ["gpu", "gpu", "device-map", "device-map"])
    #expect(windows.map(\.number) == [1, 2, 1, 2])
    #expect(windows.map(\.entries) == [1..<11, 11..<21, 26..<31, 31..<41])
    #expect(windows.map(\.claim) == [.memory, .memory, .direct("nvme0"), .direct("nvme0")])
    #expect(windows.map(\.sparesVideo) == [false, false, true, true])
  }

  @Test func onlyTheBARWithTheFilesIsFreeForTheCasesThatAreAboutThem() {
    let windows = GPUSanitation.windows(
      of: "gpu0",
      in: [
        observation(.gpu, [(0, 10)], claim: "mixed"),
        observation(.deviceMap, [(10, 20)], claim: "mixed", volume: "ns0"),
        observation(.deviceMap, [(20, 30)], claim: "mixed", volume: "ns1"),
        observation(.deviceMap, [(30, 40)], claim: "mixed"),
      ], bars: ["ns0": "nvme0"])
    #expect(windows.map(\.bars) == [nil, ["nvme0"], [], []])
  }

  @Test func aCaseWithoutAnEndDoesNotReachIntoTheNextSuite() {
    let windows = GPUSanitation.windows(
      of: "gpu0", in: [observation(.gpu, [(0, nil)]), observation(.deviceMap, [(25, 30)])])
    #expect(windows.map(\.entries) == [1..<26, 26..<31])
  }

  @Test func anotherGPUsCasesAreNotThisOnes() {
    #expect(
      GPUSanitation.windows(of: "gpu1", in: [observation(.gpu, [(0, 10)])]).isEmpty)
  }
}
