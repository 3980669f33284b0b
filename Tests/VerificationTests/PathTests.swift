// SPDX-License-Identifier: Apache-2.0

import Testing
import Verification

@Suite struct PathTests {
  private func log(_ build: (inout TraceLog) -> Void) -> NVMeTrace {
    var log = TraceLog()
    log.marker(1, .direct, end: false)
    build(&log)
    log.marker(1, .direct, end: true)
    log.marker(1, .fallback, end: false)
    log.command(.read, disk: 0x10000, bytes: 8192, to: Place.ram)
    log.marker(1, .fallback, end: true)
    return log.trace
  }

  @Test func countsBytesByWhereTheyWent() {
    let record = assess(observation())
    #expect(record.outcome.kind == .verified, "\(record.outcome)")
    #expect(record.phase(.direct)?.path.moved.bar == ["gpu0": 8192])
    #expect(record.phase(.direct)?.path.commands == 1)
    #expect(record.phase(.fallback)?.path.moved.memory == 8192)
    #expect(record.phase(.fallback)?.path.moved.total == 8192)
  }

  @Test func aFallbackThatIsCalledDirectIsAWrongPath() {
    let trace = log { $0.command(.read, disk: 0x10000, bytes: 8192, to: Place.ram + 512) }
    let outcome = assess(observation(), trace: trace).outcome
    #expect(outcome.failure == .wrongPath)
    #expect(
      outcome.explanation
        == "The direct path claims the BAR of gpu0, but 8192 bytes moved through system memory, the "
        + "first of them at 0x1000200, the read of disk offset 65536 of namespace 1.")
  }

  @Test func aFallbackThatGoesThroughABARIsAWrongPath() {
    var log = TraceLog()
    log.goodCase()
    let trace = NVMeTrace(
      log: .init(
        log.text.replacing("addr 0x1000000", with: "addr 0x820000000").utf8))
    let outcome = assess(observation(), trace: trace).outcome
    #expect(outcome.failure == .wrongPath)
    #expect(outcome.explanation.contains("claims system memory, but 4096 bytes"))
    #expect(outcome.explanation.contains("the BAR of nvme0"))
  }

  @Test func anotherPeersBARIsAWrongPath() {
    let trace = log { $0.command(.read, disk: 0x10000, bytes: 8192, to: Place.cmb) }
    let outcome = assess(observation(), trace: trace).outcome
    #expect(outcome.explanation.contains("8192 bytes moved through the BAR of nvme0"))
  }

  @Test func addressesOfNothingKnownAreAWrongPath() {
    let trace = log { $0.command(.read, disk: 0x10000, bytes: 8192, to: 0xFEE0_0000) }
    let outcome = assess(observation(), trace: trace).outcome
    #expect(outcome.explanation.contains("8192 bytes have bus addresses that belong to nothing"))
  }

  @Test func blocksThatNoCommandMovedAreAWrongPath() {
    let trace = log { $0.command(.read, disk: 0x10000, bytes: 4096, to: Place.gpuMemory) }
    let outcome = assess(observation(), trace: trace).outcome
    #expect(outcome.failure == .wrongPath)
    #expect(outcome.explanation.contains("4096 bytes were moved by no NVMe command"))
  }

  @Test(arguments: [
    (TransferDirection.write, UInt32(1), UInt64(0x10000)), (.read, 3, 0x10000), (.read, 1, 0x20000),
  ])
  func commandsOfAnotherDirectionNamespaceOrPlaceDoNotCount(
    direction: TransferDirection, nsid: UInt32, disk: UInt64
  ) {
    let trace = log {
      $0.command(direction, nsid: nsid, disk: disk, bytes: 8192, to: Place.gpuMemory)
    }
    let outcome = assess(observation(), trace: trace).outcome
    #expect(outcome.explanation.contains("8192 bytes were moved by no NVMe command"))
  }

  @Test func commandsOutsideOfTheWindowDoNotCount() {
    var log = TraceLog()
    log.command(.read, disk: 0x10000, bytes: 8192, to: Place.gpuMemory)
    log.marker(1, .direct, end: false)
    log.marker(1, .direct, end: true)
    log.marker(1, .fallback, end: false)
    log.command(.read, disk: 0x10000, bytes: 8192, to: Place.ram)
    log.marker(1, .fallback, end: true)
    #expect(assess(observation(), trace: log.trace).outcome.failure == .wrongPath)
  }

  @Test func aCommandThatTheControllerRefusedMovedNothing() {
    let trace = log {
      $0.line("pci_nvme_read cid 1 nsid 1 nlb 16 count 8192 lba 0x80")
      $0.line("pci_nvme_map_addr addr 0x800000000 len 4096")
    }
    let outcome = assess(observation(), trace: trace).outcome
    #expect(outcome.explanation.contains("8192 bytes have NVMe commands only that the controller"))
  }

  @Test func journalAndReadAheadInMemoryDoNotMatter() {
    let trace = log {
      $0.command(.write, disk: 0x80000, bytes: 4096, to: Place.ram)
      $0.command(.read, disk: 0x10000, bytes: 4096, to: Place.gpuMemory)
      $0.command(.read, disk: 0x40000, bytes: 4096, to: Place.ram)
      $0.command(.read, disk: 0x11000, bytes: 4096, to: Place.gpuMemory + 4096)
    }
    #expect(assess(observation(), trace: trace).outcome.kind == .verified)
  }

  @Test func onlyThePartOfACommandThatOverlapsCounts() {
    let wide = Transfer(
      direction: .read, nsid: 1,
      ranges: [DiskRange(offset: 0x10200, length: 512)].compactMap { $0 })
    let trace = log {
      // The first and the last page, outside of the range, are in memory.
      $0.line("pci_nvme_read cid 1 nsid 1 nlb 17 count 8704 lba 0x80")
      $0.line("pci_nvme_map_addr addr 0x1000000 len 512")
      $0.line("pci_nvme_map_addr addr 0x800000200 len 512")
      $0.line("pci_nvme_map_addr addr 0x1001000 len 7680")
    }
    let record = assess(
      observation(direct: report(.direct, transfers: [wide])), trace: trace)
    #expect(record.phase(.direct)?.path.moved.bar == ["gpu0": 512])
    #expect(record.phase(.direct)?.path.moved.total == 512)
  }

  @Test func theLogicalBlockSizeIsTheNamespaces() {
    let transfer = Transfer(
      direction: .read, nsid: 2,
      ranges: [DiskRange(offset: 0x10000, length: 8192)].compactMap { $0 })
    let trace = log {
      $0.command(
        .read, nsid: 2, disk: 0x10000, bytes: 8192, to: Place.gpuMemory, block: 4096)
    }
    let record = assess(
      observation(direct: report(.direct, transfers: [transfer])), trace: trace)
    #expect(record.phase(.direct)?.path.moved.bar == ["gpu0": 8192])
    #expect(record.phase(.direct)?.path.moved.total == 8192)
  }

  @Test func aPhaseWithoutMarkersBreaksTheProtocol() {
    let outcome = assess(observation(), trace: NVMeTrace()).outcome
    #expect(outcome.failure == .protocolViolation)
    #expect(outcome.explanation.contains("does not bracket the direct phase of case 1"))
  }

  @Test func anUnknownNamespaceBreaksTheProtocol() {
    let transfer = Transfer(direction: .read, nsid: 77, ranges: readTransfer.ranges)
    let outcome = assess(observation(direct: report(.direct, transfers: [transfer]))).outcome
    #expect(outcome.failure == .protocolViolation)
    #expect(outcome.explanation.contains("77"))
  }
}
