// SPDX-License-Identifier: Apache-2.0

import Topology
import Verification

/// Text as a hostile guest would like to see it in a report.
let hostile =
  "a\u{1B}[2J\u{1B}]0;owned\u{7}<script>alert(1)</script>\"\u{301} onload='x'\u{202E}\u{FFFE}&]]>\r\n"

func phase(
  _ phase: Phase, errno: Int32 = 0, bytes: UInt64 = 65536, seconds: Double, moved: MovedBytes? = nil
) -> PhaseRecord {
  var evidence = PathEvidence()
  evidence.commands = errno == 0 ? 2 : 0
  if let moved {
    evidence.moved = moved
  } else if errno == 0, phase == .direct {
    evidence.moved.bar = ["gpu0": bytes]
  } else if errno == 0 {
    evidence.moved.memory = bytes
  }
  return PhaseRecord(
    report: PhaseReport(
      n: 1, phase: phase, errno: errno, bytes: errno == 0 ? bytes : 0, ns: UInt64(seconds * 1e9),
      claim: phase == .direct ? .peer : .memory, transfers: []), path: evidence)
}

func caseRecord(
  _ what: String, number: Int = 1, bytes: UInt64 = 65536, peer: String = "gpu0",
  route: Route = .switch, outcome: CaseOutcome = CaseOutcome(.verified),
  direct: Double = 0.0002, fallback: Double = 0.0006
) -> CaseRecord {
  var record = CaseRecord(
    number: number, name: "ns0.\(peer).\(what)", volume: "ns0", peer: peer, operation: .read,
    expectedRoute: route, outcome: outcome)
  let refused = outcome.kind == .refusedFellBack
  if outcome.kind != .skipped {
    record.phases = [
      phase(.direct, errno: refused ? 121 : 0, bytes: bytes, seconds: direct),
      phase(.fallback, bytes: bytes, seconds: fallback),
    ]
  }
  return record
}

let corruption = CaseOutcome(
  .failed, .silentCorruption,
  "The direct transfer of 65536 bytes reported success, but in the host's view of gpu0, 4096 bytes "
    + "at offset 8192 are zeros where file 1, generation 1, offset 8192 belongs.")
let limit = CaseOutcome(
  .knownLimit, .silentCorruption,
  "The direct transfer reported success, but zeros. The vIOMMU reported 2 DMA faults meanwhile. "
    + "Known limit: QEMU faults it.")

func run(
  _ cases: [CaseRecord], interruption: String? = nil, faults: [String] = [],
  name: String = "switch", console: [RunRecord.ConsoleReport] = []
) -> RunRecord {
  var timings = RunRecord.Timings()
  timings.boot = 2.31
  timings.push = 0.084
  timings.run = 7.5
  timings.verify = 0.42
  timings.stop = 0.6
  return RunRecord(
    suite: "p2pdma",
    topology: Topology(
      name: name, summary: "One NVMe controller and the GPU below the same PCIe switch.",
      machine: Machine(cpu: "max", vcpus: 2, memory: .gibibytes(1), iommu: .none),
      nvme: [
        NVMeController(
          id: "nvme0", cmb: .mebibytes(64),
          namespaces: [
            Namespace(id: "ns0", nsid: 1, size: .mebibytes(256), lba: 512, filesystem: .ext4)
          ])
      ], gpus: [GPU(id: "gpu0", bus: nil, videoMemory: .mebibytes(256))]),
    topologyFile: "qemu-configs/topologies/switch.yaml", strict: false, cases: cases,
    interruption: interruption, faults: faults, timings: timings,
    environment: .init(
      crossbar: "0.1.0", hostKernel: "6.1.0", hostProcessors: 2, qemu: "7.2.22", libvirt: "9.0.0",
      accelerator: "tcg"),
    kernel: .init(release: "7.2.12", origin: "linux-source-7.2", flavour: "7.2-debug"),
    console: console)
}

let mixed = run([
  caseRecord("read-4k", number: 1, bytes: 4096),
  caseRecord("read-32m", number: 2, bytes: 32 << 20, direct: 0.02, fallback: 0.1),
  caseRecord("read-64k", number: 3, outcome: corruption),
  caseRecord("write-64k", number: 4, outcome: limit),
  caseRecord("copy-64k", number: 5, outcome: CaseOutcome(.skipped, nil, "no space left")),
  caseRecord(
    "read-4k", number: 6, peer: "nvme1", route: Route.none,
    outcome: CaseOutcome(.refusedFellBack, nil, "The kernel refused it: EREMOTEIO.")),
])
