// SPDX-License-Identifier: Apache-2.0

import Synchronization
import Testing
import Verification

@testable import Harness
@testable import PeerGPU

/// What a case does to the host's process.
@Suite struct GPUWindowTests {
  /// The window of a case that begins with 100 MiB and ends with more.
  private func window(growth: UInt64, heldBefore: UInt64 = 0, heldAfter: UInt64 = 0) -> GPUWindow {
    let memory = Mutex<[UInt64]>([(100 << 20) + growth, 100 << 20])
    var window = GPUWindow(gpu: "gpu0", begin: GPUCounters(heldByLog: heldBefore)) {
      memory.withLock { $0.popLast() }
    }
    window.end = GPUCounters(heldByLog: heldAfter)
    return window
  }

  @Test func aProcessThatGrowsIsFound() throws {
    let window = window(growth: 49 << 20)
    #expect(window.activity(GPUObservation(claim: .mixed)).hostGrowth == 49 << 20)
    #expect(
      window.complaint(of: "gpu0.soak")
        == "While gpu0.soak ran, crossbar's process grew by 49 MiB, of 48 MiB that are allowed: it "
        + "leaks memory.")
    #expect(self.window(growth: 48 << 20).complaint(of: "gpu0.soak") == nil)
  }

  @Test func whatWaitsForTheDiskIsNoLeak() {
    #expect(window(growth: 60 << 20, heldAfter: 55 << 20).growth == 5 << 20)
    #expect(window(growth: 60 << 20, heldAfter: 55 << 20).complaint(of: "gpu0.soak") == nil)
    #expect(window(growth: 0, heldBefore: 55 << 20).complaint(of: "gpu0.soak") != nil)
  }

  @Test func aCaseWithoutAnEndSaysNothing() {
    let window = GPUWindow(gpu: "gpu0", begin: GPUCounters(heldByLog: 0))
    #expect(window.growth == nil)
    #expect(window.complaint(of: "gpu0.soak") == nil)
  }

  @Test func theKernelSaysHowMuchThereIs() throws {
    let before = try #require(ProcessMemory.anonymous)
    let memory = [UInt8](repeating: 1, count: 256 << 20)
    // Other tests allocate and free meanwhile.
    #expect(try #require(ProcessMemory.anonymous) > before + 64 << 20)
    #expect(memory.last == 1)
  }
}
