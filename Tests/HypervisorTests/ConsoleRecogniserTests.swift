// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Hypervisor

@Suite struct ConsoleRecogniserTests {
  @Test(
    arguments: [
      ("[    5.0] Kernel panic - not syncing: sysrq triggered crash", .panic),
      ("[    5.0] BUG: kernel NULL pointer dereference, address: 0000000000000000", .bug),
      ("[    5.0] kernel BUG at mm/slub.c:448!", .bug),
      ("[    5.0] Oops: Oops: 0002 [#1] SMP", .bug),
      ("[    5.0] Oops: general protection fault, probably for non-canonical address", .bug),
      ("[    5.0] WARNING: drivers/pci/p2pdma.c:300 at pci_p2pdma+0x1/0x2, CPU#1: x/7", .warning),
      ("[    5.0] WARNING: possible circular locking dependency detected", .lockdep),
      ("[    5.0] WARNING: possible recursive locking detected", .lockdep),
      ("[    5.0] WARNING: inconsistent lock state", .lockdep),
      ("[    5.0] WARNING: suspicious RCU usage", .lockdep),
      ("[    5.0] BUG: sleeping function called from invalid context at x.c:1", .lockdep),
      ("[    5.0] BUG: KASAN: slab-use-after-free in ivgpu_ioctl+0x1/0x2", .kasan),
      ("[    5.0] UBSAN: array-index-out-of-bounds in mm/device_map.c:12:3", .ubsan),
      ("[  243.0] INFO: task kworker/0:1:12 blocked for more than 120 seconds.", .hungTask),
      ("[   26.0] rcu: INFO: rcu_preempt self-detected stall on CPU", .stall),
      ("[   26.0] rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:", .stall),
      ("[   26.0] watchdog: BUG: soft lockup - CPU#0 stuck for 26s! [x:1]", .stall),
      ("[    9.0] Out of memory: Killed process 77 (p2pcheck)", .outOfMemory),
      (
        "[    2.0] DMAR: [DMA Write NO_PASID] Request device [03:00.0] fault addr 0xfe000000 "
          + "[fault reason 0x05] PTE Write access is not set", .iommuFault
      ),
    ] as [(String, ConsoleFinding.Kind)])
  func recognises(line: String, kind: ConsoleFinding.Kind) {
    #expect(ConsoleRecogniser.kind(of: line) == kind)
  }

  @Test(arguments: [
    "[    0.0] DMAR: Host address width 39",
    "[    2.0] DMAR: DRHD: handling fault status reg 2",
    "[    1.0] pci 0000:03:00.0: added peer-to-peer DMA memory",
    "[    1.0] Debug: warning level is 7",
    "[    5.0] ---[ end Kernel panic - not syncing: sysrq triggered crash ]---",
    "",
  ])
  func leavesAlone(line: String) {
    #expect(ConsoleRecogniser.kind(of: line) == nil)
  }

  @Test func countsLinesFromOne() {
    var recogniser = ConsoleRecogniser()
    #expect(recogniser.next("fine") == nil)
    #expect(recogniser.next("Oops: 1")?.line == 2)
  }

  @Test func takesStampAndControlCharactersOffTheText() {
    #expect(
      ConsoleRecogniser.text(of: "[    1.5][  T42] \u{1B}[31mOops: x\u{7}  ") == "[31mOops: x")
    #expect(ConsoleRecogniser.text(of: "[drm] Oops: x") == "[drm] Oops: x")
  }

  @Test func boundsTheText() {
    let text = ConsoleRecogniser.text(of: "Oops: " + String(repeating: "x", count: 100_000))
    #expect(text.count == ConsoleRecogniser.longestText)
  }
}
