// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@testable import Verification

@Suite struct NVMeTraceTests {
  private let key = NVMeTrace.PhaseKey(3, .direct)

  private func marker(_ number: Int, _ phase: Int, _ edge: Int) -> String {
    let value = 0x5800_0000 | number << 8 | phase << 1 | edge
    return "pci_nvme_getfeat cid 0 nsid 0x0 fid 0x1 sel 0x0 cdw11 0x\(String(value, radix: 16))"
  }

  private func trace(_ lines: [String]) -> NVMeTrace {
    NVMeTrace(log: Data(lines.joined(separator: "\n").utf8))
  }

  @Test func commandsBetweenTheMarkersBelongToThePhase() throws {
    let trace = trace([
      "pci_nvme_read cid 1 nsid 1 nlb 8 count 4096 lba 0x10",
      "pci_nvme_map_addr addr 0x1000 len 4096",
      marker(3, 0, 0), "pci_nvme_read cid 2 nsid 2 nlb 16 count 8192 lba 0x20",
      "4711@1700000000.123456:pci_nvme_map_addr addr 0xfe000000 len 4096",
      "pci_nvme_map_addr addr 0xfe001000 len 4096", "nvme: some noise of QEMU's own",
      marker(3, 0, 1), "pci_nvme_write cid 3 opname 'write' nsid 1 nlb 8 count 4096 lba 0x30",
    ])
    let window = try #require(trace.windows[key])
    #expect(window.isClosed)
    #expect(window.commands.count == 1)
    let command = try #require(window.commands.first)
    #expect(command.direction == .read)
    #expect(command.nsid == 2)
    #expect(command.range(blockSize: 512) == 16_384..<24_576)
    #expect(command.mappings.map(\.place) == [0xFE00_0000, 0xFE00_1000])
  }

  @Test func anUnfinishedPhaseIsNotClosed() {
    #expect(trace([marker(3, 0, 0)]).windows[key]?.isClosed == false)
  }

  @Test func addressesFollowTheVIOMMU() throws {
    let trace = trace([
      marker(3, 0, 0), "pci_nvme_read cid 2 nsid 1 nlb 16 count 8192 lba 0x0",
      "pci_nvme_map_addr addr 0xfffee200 len 4096",
      "vtd_dmar_translate dev 03:00.00 iova 0xfffee000 -> gpa 0x8bf000 mask 0xfff",
      "vtd_dmar_translate dev 03:00.00 iova 0xfffef000 -> gpa 0x111000 mask 0xfff",
      marker(3, 0, 1),
    ])
    let mappings = try #require(trace.windows[key]?.commands.first).mappings
    #expect(mappings.map(\.place) == [0x8BF200, 0x111000])
    #expect(mappings.map(\.length) == [0xE00, 0x200])
  }

  @Test func brokenLinesAreHarmless() {
    var generator = SystemRandomNumberGenerator()
    let good = [
      marker(3, 0, 0),
      "pci_nvme_read cid 1 nsid 1 nlb 8 count 18446744073709551615 lba 0xffffffffffffffff",
      "pci_nvme_map_addr addr 0xffffffffffffffff len 18446744073709551615",
      "vtd_dmar_translate dev 0 iova 0xffffffffffffffff -> gpa 0x0 mask 0xffffffffffffffff",
    ]
    for _ in 0..<2000 {
      var bytes = Array(good.joined(separator: "\n").utf8)
      for _ in 0..<8 {
        bytes[Int.random(in: bytes.indices, using: &generator)] = .random(in: 0...255)
      }
      _ = NVMeTrace(log: Data(bytes))
    }
  }
}
