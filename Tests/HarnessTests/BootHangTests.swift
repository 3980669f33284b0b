// SPDX-License-Identifier: Apache-2.0

import Hypervisor
import Testing

@testable import Harness

@Suite struct BootHangTests {
  private let late = HypervisorError(
    .timeout, attempt: "boot the guest g", problem: "its agent did not answer within 60.0 seconds",
    mend: "See the end of /r/console.log for where the boot stopped")
  private let stall = ConsoleFinding(
    kind: .stall, line: 203, text: "rcu: INFO: rcu_sched detected stalls on CPUs/tasks:")

  private var stalled: HypervisorError {
    HypervisorError(.bootStalled, attempt: "boot the guest g", problem: "p", finding: stall)
  }

  @Test func aGuestThatIsSilentOrStallsUnderEmulationHasHung() {
    #expect(BootHang(late, under: .tcg, console: []) != nil)
    #expect(BootHang(stalled, under: .tcg, console: [stall]) != nil)
  }

  @Test func underKVMThereIsNoExcuse() {
    #expect(BootHang(late, under: .kvm, console: []) == nil)
    #expect(BootHang(stalled, under: .kvm, console: [stall]) == nil)
  }

  @Test(arguments: [ConsoleFinding.Kind.panic, .bug, .kasan, .lockdep, .outOfMemory])
  func aKernelThatSaysWhyIsNotTriedAgain(kind: ConsoleFinding.Kind) {
    let report = ConsoleFinding(kind: kind, line: 7, text: "x")
    #expect(BootHang(late, under: .tcg, console: [report]) == nil)
    #expect(BootHang(stalled, under: .tcg, console: [report, stall]) == nil)
  }

  @Test(arguments: [
    HypervisorError.Kind.guestPanicked, .guestEnded, .emulatorEnded, .start, .cancelled,
    .environment,
  ])
  func whatEndsABootOtherwiseIsFinal(kind: HypervisorError.Kind) {
    let error = HypervisorError(kind, attempt: "boot the guest g", problem: "p")
    #expect(BootHang(error, under: .tcg, console: []) == nil)
    #expect(BootHang(EnvironmentError("e"), under: .tcg, console: []) == nil)
  }

  @Test func theReasonNamesTheConsoleThatIsKept() throws {
    let silent = try #require(BootHang(late, under: .tcg, console: []))
    #expect(silent.reason(console: "c.log") == "its agent did not answer within 60.0 seconds")
    let stopped = try #require(BootHang(stalled, under: .tcg, console: [stall]))
    #expect(
      stopped.reason(console: "c.log")
        == "its kernel stalled before its agent answered (c.log:203: rcu: INFO: rcu_sched detected "
        + "stalls on CPUs/tasks:)")
  }

  @Test func aSecondHangSaysWhatTheFirstSaidAndThatThereWereTwo() throws {
    let second = try #require(BootHang(late, under: .tcg, console: []))
    let error = second.error(afterFirst: "/r/console-boot-1.log")
    #expect(error.kind == .timeout)
    #expect(
      error.description
        == "can't boot the guest g: its agent did not answer within 60.0 seconds. See the end of "
        + "/r/console.log for where the boot stopped. --boot-limit gives it more seconds. It was "
        + "booted twice, and hung the first time too: see /r/console-boot-1.log")
  }
}
