// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import Verification

@Suite struct NVMeTraceTests {
  @Test(arguments: [true, false])
  func readsCommandsWithTheirAddresses(stamp: Bool) {
    var log = TraceLog()
    log.stamp = stamp
    log.marker(1, .direct, end: false)
    log.command(.read, nsid: 2, disk: 8192, bytes: 8192, to: 0x1000, block: 4096)
    log.command(.write, disk: 512, bytes: 512, to: 0x5200)
    log.marker(1, .direct, end: true)
    let trace = log.trace
    #expect(trace.commands.count == 2)
    #expect(trace.commands.first?.direction == .read)
    #expect(trace.commands.first?.nsid == 2)
    #expect(trace.commands.first?.lba == 2)
    #expect(trace.commands.map(\.mappedBytes) == [8192, 512])
    #expect(trace.addresses.map(\.address) == [0x1000, 0x2000, 0x5200])
    #expect(trace.windows[.init(1, .direct)]?.commands == 0..<2)
    #expect(trace.windows[.init(1, .direct)]?.flaw == nil)
    #expect(trace.malformedLines == 0)
  }

  @Test func skipsOtherEventsAndMessages() {
    let trace = NVMeTrace(
      log: Data(
        """
        qemu-system-x86_64: warning: TCG doesn't support requested feature
        pci_nvme_irq_msix raising MSI-X IRQ vector 1
        1@2.3:pci_nvme_map_addr_cmb addr 0x1000 len 512

        \u{0}\u{1B}[31m
        pci_nvme_read
        """.utf8))
    #expect(trace.commands.isEmpty)
    #expect(trace.addresses.isEmpty)
    #expect(trace.malformedLines == 0)
  }

  @Test func countsLinesThatStartLikeAnEvent() {
    let trace = NVMeTrace(
      log: Data(
        """
        pci_nvme_map_addr addr 0xzz len 5
        pci_nvme_map_addr addr 0x11111111111111111 len 5
        pci_nvme_read cid 1 nsid 99999999999 nlb 1 count 1 lba 0x0
        pci_nvme_map_addr addr 0x1000 len 4096 and more
        """.utf8))
    #expect(trace.malformedLines == 4)
  }

  @Test func addressesOfOtherCommandsAreNotTheLastOnes() {
    var log = TraceLog()
    log.command(.read, disk: 0, bytes: 512, to: 0x1000)
    log.line("pci_nvme_map_addr addr 0x9000 len 4096")
    log.line(
      "pci_nvme_write cid 1 opname 'NVME_NVM_CMD_WRITE_ZEROES' nsid 1 nlb 1 count 512 lba 0x8")
    log.line("pci_nvme_map_addr addr 0xa000 len 4096")
    log.line("pci_nvme_getfeat cid 1 nsid 0x0 fid 0x7 sel 0x0 cdw11 0x0")
    #expect(log.trace.commands.count == 1)
    #expect(log.trace.addresses.map(\.address) == [0x1000])
  }

  @Test func knowsOnlyMarkersOfItsOwn() {
    var log = TraceLog()
    log.line("pci_nvme_getfeat cid 1 nsid 0x0 fid 0x1 sel 0x0 cdw11 0x0")
    log.line("pci_nvme_getfeat cid 1 nsid 0x0 fid 0x2 sel 0x0 cdw11 0x58000100")
    log.line("pci_nvme_getfeat cid 1 nsid 0x0 fid 0x1 sel 0x0 cdw11 0x58000106")
    #expect(log.trace.windows.isEmpty)
    log.marker(65535, .fallback, end: false)
    #expect(log.trace.windows.keys.map(\.n) == [65535])
  }

  @Test func aWindowNeedsBothMarkersOnce() {
    var log = TraceLog()
    log.marker(1, .direct, end: false)
    #expect(log.trace.windows[.init(1, .direct)]?.flaw == "its end marker is missing")
    log.marker(1, .fallback, end: false)
    #expect(
      log.trace.windows[.init(1, .direct)]?.flaw == "another phase begins before its end")
    log.marker(1, .fallback, end: true)
    #expect(log.trace.windows[.init(1, .fallback)]?.flaw == nil)
    log.marker(1, .fallback, end: false)
    log.marker(1, .fallback, end: true)
    #expect(log.trace.windows[.init(1, .fallback)]?.flaw == "it begins twice")
  }

  @Test func readsTranslationsAndFaults() {
    var log = TraceLog()
    log.translate(0xFFFF_E000, to: 0x8_0020_0000)
    log.fault(0x8_0020_0000)
    log.line(
      "qemu-system-x86_64: vtd_iommu_translate: detected translation failure "
        + "(dev=02:00:00, iova=0x800200000)")
    let trace = log.trace
    #expect(trace.translations.first?.requester == Place.controller)
    #expect(trace.translations.first?.address == 0x8_0020_0000)
    #expect(trace.faultCount == 2)
    #expect(trace.faults.first?.requester.description == "02:00.0")
  }

  @Test func piecesOfTheLogMayEndAnywhere() {
    var log = TraceLog()
    for n in 1...20 { log.goodCase(n) }
    let bytes = Array(log.text.utf8)
    var generator = SeededGenerator(state: 3)
    for _ in 0..<5 {
      var parser = NVMeTraceParser()
      var rest = bytes[...]
      while !rest.isEmpty {
        let piece = rest.prefix(Int.random(in: 1...700, using: &generator))
        Array(piece).withUnsafeBytes { parser.take($0) }
        rest = rest.dropFirst(piece.count)
      }
      let trace = parser.finish()
      #expect(trace == log.trace)
    }
  }

  @Test func linesAreBounded() {
    var parser = NVMeTraceParser()
    parser.take("pci_nvme_map_addr addr 0x1")
    for _ in 0..<100 { parser.take(String(repeating: "0", count: 10000)) }
    parser.take("\npci_nvme_read cid 1 nsid 1 nlb 1 count 512 lba 0x0\n")
    let trace = parser.finish()
    #expect(trace.commands.count == 1)
    #expect(trace.malformedLines == 0)
  }

  @Test func survivesMutatedLogs() {
    var log = TraceLog()
    log.goodCase()
    log.translate(0x1000, to: 0x2000)
    log.fault(0x3000)
    let bytes = Array(log.text.utf8)
    var generator = SeededGenerator(state: 11)
    let chosen = topology(iommu: .intel)
    for _ in 0..<1500 {
      let trace = NVMeTrace(log: Data(generator.mutate(bytes)))
      _ = assess(observation(), trace: trace, topology: chosen)
    }
  }
}
