// SPDX-License-Identifier: Apache-2.0

import Foundation
import GoldenData
import Topology
import Verification

/// Where things are in the fixtures' guest.
enum Place {
  static let gpuMemory: UInt64 = 0x8_0000_0000
  static let cmb: UInt64 = 0x8_2000_0000
  static let ram: UInt64 = 0x0100_0000
  static let controller = RequesterID(bus: 2, device: 0, function: 0)
}

let busMap = BusMap(
  peers: [
    "gpu0": Place.gpuMemory..<(Place.gpuMemory + (256 << 20)),
    "nvme0": Place.cmb..<(Place.cmb + (64 << 20)),
    "nvme1": (Place.cmb + (64 << 20))..<(Place.cmb + (128 << 20)),
  ],
  memory: [0..<0x4000_0000], blockSizes: [1: 512, 2: 4096, 3: 512],
  requesters: [1: Place.controller, 2: Place.controller, 3: RequesterID(0x0400)])

func topology(
  route: Route = .switch, iommu: IOMMU = .none, limit: String? = nil
) -> Topology {
  let limits = limit.map {
    [EmulatorLimit(from: "nvme0", to: "gpu0", outcome: .silentCorruption, reason: $0)]
  }
  return Topology(
    name: "fixture", summary: "A controller and a GPU.",
    machine: Machine(cpu: "max", vcpus: 2, memory: .gibibytes(1), iommu: iommu),
    nvme: [
      NVMeController(
        id: "nvme0", cmb: .mebibytes(64),
        namespaces: [
          Namespace(id: "ns0", nsid: 1, size: .mebibytes(256), lba: 512, filesystem: .ext4),
          Namespace(id: "ns1", nsid: 2, size: .mebibytes(400), lba: 4096, filesystem: .xfs),
        ]),
      NVMeController(
        id: "nvme1", cmb: .mebibytes(64),
        namespaces: [
          Namespace(id: "ns2", nsid: 3, size: .mebibytes(256), lba: 512, filesystem: .ext4)
        ]),
    ],
    gpus: [GPU(id: "gpu0", bus: nil, videoMemory: .mebibytes(256))],
    routes: [
      ExpectedRoute(from: "nvme0", to: "gpu0", route: route),
      ExpectedRoute(from: "nvme1", to: "gpu0", route: .none),
      ExpectedRoute(from: "nvme0", to: "nvme1", route: .switch),
      ExpectedRoute(from: "nvme1", to: "nvme0", route: .switch),
    ],
    limits: limits ?? [])
}

/// Writes a trace log as QEMU does.
struct TraceLog {
  var text = ""
  var stamp = true
  private var time = 0

  mutating func line(_ event: String) {
    time += 7
    text += stamp ? "4711@1700000000.\(String(format: "%06d", time)):\(event)\n" : "\(event)\n"
  }

  mutating func marker(_ n: Int, _ phase: Phase, end: Bool) {
    let value = 0x5800_0000 | n << 8 | (phase == .direct ? 0 : 2) | (end ? 1 : 0)
    line("pci_nvme_getfeat cid 17 nsid 0x0 fid 0x1 sel 0x0 cdw11 0x\(String(value, radix: 16))")
  }

  /// A command with one address a page, as Linux names them with PRPs.
  mutating func command(
    _ direction: TransferDirection, nsid: UInt32 = 1, disk: UInt64, bytes: UInt64,
    to address: UInt64, block: UInt64 = 512
  ) {
    let name = direction == .read ? "pci_nvme_read cid 3" : "pci_nvme_write cid 3"
    let op = direction == .read ? "" : " opname 'NVME_NVM_CMD_WRITE'"
    line(
      "\(name)\(op) nsid \(nsid) nlb \(bytes / block) count \(bytes) "
        + "lba 0x\(String(disk / block, radix: 16))")
    var done: UInt64 = 0
    while done < bytes {
      let length = min(4096 - (address + done) % 4096, bytes - done)
      line("pci_nvme_map_addr addr 0x\(String(address + done, radix: 16)) len \(length)")
      done += length
    }
  }

  mutating func translate(
    _ iova: UInt64, to address: UInt64, mask: UInt64 = 0xFFF, device: String = "02:00.00"
  ) {
    line(
      "vtd_dmar_translate dev \(device) iova 0x\(String(iova, radix: 16)) -> gpa "
        + "0x\(String(address, radix: 16)) mask 0x\(String(mask, radix: 16))")
  }

  mutating func fault(_ address: UInt64) {
    line("vtd_dmar_fault sid 0x200 fault 5 addr 0x\(String(address, radix: 16)) write 1")
  }

  /// Both phases of a read of 8 KiB, each on its path.
  mutating func goodCase(_ n: Int = 1, peer: UInt64 = Place.gpuMemory + (2 << 20)) {
    marker(n, .direct, end: false)
    command(.read, disk: 0x10000, bytes: 8192, to: peer)
    marker(n, .direct, end: true)
    marker(n, .fallback, end: false)
    command(.read, disk: 0x10000, bytes: 8192, to: Place.ram)
    marker(n, .fallback, end: true)
  }

  var trace: NVMeTrace { NVMeTrace(log: Data(text.utf8)) }
}

let readTransfer = Transfer(
  direction: .read, nsid: 1,
  ranges: [DiskRange(offset: 0x10000, length: 8192)].compactMap { $0 })

let writeTransfer = Transfer(
  direction: .write, nsid: 3,
  ranges: [DiskRange(offset: 0x20000, length: 8192)].compactMap { $0 })

func report(
  _ phase: Phase, n: Int = 1, errno: Int32 = 0, bytes: UInt64 = 8192, claim: Claim? = nil,
  transfers: [Transfer]? = nil, mismatch: GuestMismatch? = nil
) -> PhaseReport {
  PhaseReport(
    n: n, phase: phase, errno: errno, bytes: errno == 0 ? bytes : 0, ns: 50_000,
    claim: claim ?? (phase == .direct ? .peer : .memory),
    transfers: transfers ?? (errno == 0 ? [readTransfer] : []), mismatch: mismatch)
}

func observation(
  peer: String = "gpu0", direct: PhaseReport = report(.direct),
  fallback: PhaseReport = report(.fallback), status: CaseVerdictLine.Status = .passed,
  op: CaseOperation = .read, name: String = "ns0.gpu0.read-8k"
) -> CaseObservation {
  var observation = CaseObservation(
    header: CaseHeader(n: 1, name: name, volume: "ns0", peer: peer, op: op))
  observation.phases = [.direct: direct, .fallback: fallback]
  observation.inspected = [.direct: direct.bytes, .fallback: fallback.bytes]
  observation.comparedFiles = [.direct, .fallback]
  observation.result = CaseVerdictLine(n: 1, name: name, status: status)
  return observation
}

let wrongZeros = GuestMismatch(
  offset: 4096, expected: "cells file 1 gen 1 off 4096",
  found: FoundBytes([UInt8](repeating: 0, count: 32)))

func assess(
  _ observation: CaseObservation, trace: NVMeTrace? = nil, topology chosen: Topology? = nil,
  consoleHasDMAFault: Bool = false, strict: Bool = false
) -> CaseRecord {
  var good = TraceLog()
  good.goodCase()
  return CaseAssessment(
    topology: chosen ?? topology(), bus: busMap, trace: trace ?? good.trace,
    consoleHasDMAFault: consoleHasDMAFault, strict: strict
  ).record(of: observation)
}

/// SplitMix64: the same numbers for the same seed, on every machine.
struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// Some bytes of `bytes` replaced, removed, doubled, or cut off.
  mutating func mutate(_ bytes: [UInt8]) -> [UInt8] {
    var bytes = bytes
    for _ in 0..<Int.random(in: 1...4, using: &self) where !bytes.isEmpty {
      let place = Int.random(in: 0..<bytes.count, using: &self)
      switch Int.random(in: 0..<6, using: &self) {
      case 0: bytes[place] = UInt8.random(in: .min ... .max, using: &self)
      case 1: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &self)
      case 2: bytes.remove(at: place)
      case 3: bytes.insert(contentsOf: bytes[place...].prefix(40), at: place)
      case 4: bytes.removeSubrange(place...)
      default:
        let numbers = [
          "18446744073709551615", "-1", "9223372036854775808", "1e999", "{", "[[", "0x",
        ]
        bytes.insert(contentsOf: Array((numbers.randomElement(using: &self) ?? "").utf8), at: place)
      }
    }
    return bytes
  }
}
