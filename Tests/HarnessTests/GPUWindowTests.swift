// SPDX-License-Identifier: Apache-2.0

import Testing
import Verification

@testable import Harness
@testable import PeerGPU

/// What a case does to the host's process.
@Suite(.serialized) struct GPUWindowTests {
  private func window(of mebibytes: Int) -> GPUWindow {
    var window = GPUWindow(gpu: "gpu0", begin: GPUCounters(lastLogNumber: 0))
    let memory = [UInt8](repeating: 1, count: mebibytes << 20)
    window.end = GPUCounters(lastLogNumber: 0)
    #expect(memory.last == 1)
    return window
  }

  @Test func aProcessThatGrowsIsFound() throws {
    let window = window(of: 600)
    let growth = try #require(window.growth)
    // Other tests allocate and free meanwhile.
    #expect(growth > 300 << 20)
    #expect(window.activity(GPUObservation(claim: .mixed)).hostGrowth == growth)
    let complaint = try #require(window.complaint(of: "gpu0.soak"))
    #expect(complaint.hasPrefix("While gpu0.soak ran, crossbar's process grew by "))
    #expect(complaint.hasSuffix(" MiB, of 16 MiB that are allowed: it leaks memory."))
  }

  @Test func whatWaitsForTheDiskIsNoLeak() throws {
    var window = GPUWindow(gpu: "gpu0", begin: GPUCounters(heldByLog: 1 << 30))
    window.end = GPUCounters(heldByLog: 3 << 30)
    #expect(try #require(window.growth) < -(1 << 30))
  }

  @Test func aCaseWithoutAnEndSaysNothing() {
    let window = GPUWindow(gpu: "gpu0", begin: GPUCounters(lastLogNumber: 0))
    #expect(window.growth == nil)
    #expect(window.complaint(of: "gpu0.soak") == nil)
  }
}
