// SPDX-License-Identifier: Apache-2.0

import Testing
import Topology
import Verification

@Suite struct IOMMUPathTests {
  private let virtual: UInt64 = 0xFFF0_0000
  private let bar = Place.gpuMemory + (2 << 20)

  private func trace(_ build: (inout TraceLog) -> Void) -> NVMeTrace {
    var log = TraceLog()
    log.marker(1, .direct, end: false)
    build(&log)
    log.marker(1, .direct, end: true)
    log.marker(1, .fallback, end: false)
    log.command(.read, disk: 0x10000, bytes: 8192, to: virtual)
    log.translate(virtual, to: Place.ram)
    log.translate(virtual + 4096, to: Place.ram + 0x9000)
    log.marker(1, .fallback, end: true)
    return log.trace
  }

  private func assessed(
    _ trace: NVMeTrace, peer: String = "gpu0", direct: PhaseReport = report(.direct),
    limit: String? = nil, console: Bool = false, strict: Bool = false
  ) -> CaseRecord {
    assess(
      observation(peer: peer, direct: direct), trace: trace,
      topology: topology(route: .hostBridge, iommu: .intel, limit: limit),
      consoleHasDMAFault: console, strict: strict)
  }

  @Test func translatedAddressesCount() {
    let record = assessed(
      trace {
        $0.command(.read, disk: 0x10000, bytes: 8192, to: virtual + 0x200)
        for page in 0..<3 {
          $0.translate(virtual + UInt64(page) * 4096, to: bar + UInt64(page) * 4096)
        }
      })
    #expect(record.outcome.kind == .verified, "\(record.outcome)")
    #expect(record.phase(.direct)?.path.moved.bar == ["gpu0": 8192])
    #expect(record.phase(.fallback)?.path.moved.memory == 8192)
  }

  @Test func oneLongAddressIsTranslatedPageByPage() {
    let record = assessed(
      trace {
        $0.line("pci_nvme_read cid 1 nsid 1 nlb 16 count 8192 lba 0x80")
        $0.line("pci_nvme_map_addr addr 0xfff00000 len 8192")
        $0.translate(virtual, to: bar)
        $0.translate(virtual + 4096, to: bar + 0x10000)
      })
    #expect(record.outcome.kind == .verified, "\(record.outcome)")
  }

  @Test func aSuperpageTranslatesAllOfItsPages() {
    let record = assessed(
      trace {
        $0.command(.read, disk: 0x10000, bytes: 8192, to: 0xFFE0_3000)
        $0.translate(0xFFE0_0000, to: bar, mask: 0x1F_FFFF)
      })
    #expect(record.outcome.kind == .verified, "\(record.outcome)")
  }

  @Test func addressesThatNothingTranslatedAreUntranslated() {
    let record = assessed(trace { $0.command(.read, disk: 0x10000, bytes: 8192, to: bar) })
    #expect(record.outcome.failure == .wrongPath)
    #expect(record.phase(.direct)?.path.moved.untranslated == 8192)
    #expect(record.outcome.explanation.contains("the vIOMMU did not translate"))
  }

  @Test func theOwnCMBNeedsNoTranslation() {
    let record = assessed(
      trace { $0.command(.read, disk: 0x10000, bytes: 8192, to: Place.cmb) }, peer: "nvme0")
    #expect(record.outcome.kind == .verified, "\(record.outcome)")
    #expect(record.phase(.direct)?.path.moved.bar == ["nvme0": 8192])
  }

  @Test func anotherControllersCMBDoes() {
    let record = assessed(
      trace { $0.command(.read, disk: 0x10000, bytes: 8192, to: Place.cmb + (64 << 20)) },
      peer: "nvme1")
    #expect(record.phase(.direct)?.path.moved.untranslated == 8192)
  }

  @Test func translationsOfOtherDevicesDoNotCount() {
    let record = assessed(
      trace {
        $0.command(.read, disk: 0x10000, bytes: 8192, to: virtual)
        $0.translate(virtual, to: bar, device: "04:00.00")
        $0.translate(virtual + 4096, to: bar + 4096, device: "04:00.00")
      })
    #expect(record.phase(.direct)?.path.moved.untranslated == 8192)
  }

  @Test func translationsFromBeforeTheCommandDoNotCount() {
    let record = assessed(
      trace {
        $0.translate(virtual, to: bar)
        $0.translate(virtual + 4096, to: bar + 4096)
        $0.command(.read, disk: 0x10000, bytes: 8192, to: virtual)
      })
    #expect(record.phase(.direct)?.path.moved.untranslated == 8192)
  }

  @Test func anAddressThatIsUsedAgainIsTranslatedAgain() {
    let record = assessed(
      trace {
        $0.command(.read, disk: 0x10000, bytes: 4096, to: virtual)
        $0.translate(virtual, to: bar)
        $0.command(.read, disk: 0x11000, bytes: 4096, to: virtual)
        $0.translate(virtual, to: Place.ram)
      })
    #expect(record.phase(.direct)?.path.moved.bar == ["gpu0": 4096])
    #expect(record.phase(.direct)?.path.moved.memory == 4096)
  }

  @Test func aFaultedPageStaysUntranslatedWhenALaterCommandNamesItAgain() {
    let record = assessed(
      trace {
        $0.command(.read, disk: 0x10000, bytes: 4096, to: virtual)
        $0.fault(virtual)
        $0.command(.read, disk: 0x11000, bytes: 4096, to: virtual)
        $0.translate(virtual, to: bar)
      })
    #expect(record.phase(.direct)?.path.moved.bar == ["gpu0": 4096])
    #expect(record.phase(.direct)?.path.moved.untranslated == 4096)
    #expect(record.phase(.direct)?.path.faults == 1)
  }

  @Test func silentCorruptionBehindASwitchIsAKnownLimitWithItsEvidence() {
    let corrupt = trace {
      $0.command(.read, disk: 0x10000, bytes: 8192, to: bar)
      $0.fault(bar)
      $0.fault(bar + 4096)
    }
    let direct = report(.direct, mismatch: wrongZeros)
    let limited = assessed(corrupt, direct: direct, limit: "QEMU faults bus addresses.").outcome
    #expect(limited.kind == .knownLimit)
    #expect(limited.failure == .silentCorruption)
    #expect(
      limited.explanation
        == "The direct transfer of 8192 bytes reported success, but from file offset 4096 on, the "
        + "guest found zeros where file 1, generation 1, offset 4096 belongs. The vIOMMU reported 2 "
        + "DMA faults meanwhile. 8192 bytes have addresses that it did not translate. Known limit: "
        + "QEMU faults bus addresses.")
    let strict = assessed(corrupt, direct: direct, limit: "QEMU faults.", strict: true).outcome
    #expect(strict.kind == .failed && strict.failure == .silentCorruption)
    let unnamed = assessed(corrupt, direct: direct).outcome
    #expect(unnamed.kind == .failed && unnamed.failure == .silentCorruption)
  }

  @Test func aKnownLimitNeedsAFaultSomewhere() {
    let quiet = trace { $0.command(.read, disk: 0x10000, bytes: 8192, to: bar) }
    let direct = report(.direct, mismatch: wrongZeros)
    let unproven = assessed(quiet, direct: direct, limit: "QEMU faults.").outcome
    #expect(unproven.kind == .failed)
    #expect(unproven.explanation.contains("no DMA fault that would prove it"))
    let console = assessed(quiet, direct: direct, limit: "QEMU faults.", console: true).outcome
    #expect(console.kind == .knownLimit)
    #expect(console.explanation.contains("The guest's console reports a DMA fault."))
  }
}
