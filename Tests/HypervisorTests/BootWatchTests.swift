// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Hypervisor

@Suite struct BootWatchTests {
  /// What a console said whose guest had lost a timer interrupt.
  private static let stall = "[   22.253519] rcu: INFO: rcu_sched detected stalls on CPUs/tasks:"

  private func outcome(
    _ line: String, endsOnStall: Bool = true
  ) throws -> Result<Void, HypervisorError>? {
    var recogniser = ConsoleRecogniser()
    let finding = recogniser.next(line)
    return outcome(.finding(try #require(finding)), endsOnStall: endsOnStall)
  }

  private func outcome(
    _ event: GuestEvent, endsOnStall: Bool = true
  ) -> Result<Void, HypervisorError>? {
    BootWatch(attempt: "boot the guest g", qemuLog: "q", endsOnStall: endsOnStall)
      .outcome(of: event)
  }

  @Test func aStallOfRCUEndsABootWhereThatIsWanted() throws {
    let outcome = try outcome(Self.stall)
    let error = #expect(throws: HypervisorError.self) { try outcome?.get() }
    #expect(error?.kind == .bootStalled)
    #expect(
      error?.description
        == "can't boot the guest g: its kernel stalled before its agent answered (console.log:1: "
        + "rcu: INFO: rcu_sched detected stalls on CPUs/tasks:). See the console from there on")
    let elsewhere = try self.outcome(Self.stall, endsOnStall: false)
    #expect(elsewhere == nil)
  }

  @Test(arguments: [
    "watchdog: BUG: soft lockup - CPU#1 stuck for 22s!", "BUG: KASAN: use-after-free in f",
    "WARNING: CPU: 0 PID: 1 at x.c:1 f+0x1/0x2",
  ])
  func aBootGoesOnAfterOtherReports(line: String) throws {
    let outcome = try outcome(line)
    #expect(outcome == nil)
  }

  @Test func anAgentAPanicAndAnEndDecide() throws {
    #expect(throws: Never.self) { try outcome(.agent(connected: true))?.get() }
    #expect(outcome(.agent(connected: true)) != nil)
    #expect(outcome(.agent(connected: false)) == nil && outcome(.started) == nil)
    let panic = try outcome("Kernel panic - not syncing: x")
    #expect(#expect(throws: HypervisorError.self) { try panic?.get() }?.kind == .guestPanicked)
    let end = outcome(.ended(GuestEnd(cause: .died)))
    #expect(#expect(throws: HypervisorError.self) { try end?.get() }?.kind == .emulatorEnded)
  }
}
