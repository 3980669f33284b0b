// SPDX-License-Identifier: Apache-2.0

import Foundation
import Topology
import Verification

/// A case of the suite `device-map`, by everybody's account; good as it stands.
struct DeviceMapScene {
  /// The case leaves a file; the host has found it; the suite came to its end.
  var leavesFile = false
  var isCompared = false
  var isInterrupted = false
  var claim = DMAClaim.direct("nvme0")
  var volume = "ns0"
  var path = MappingPath.auto
  var status = CaseVerdictLine.Status.passed
  /// What the driver mapped.
  var pages: PageCounts? = PageCounts(direct: 2)
  /// What the GPU moved.
  var bytes: [String: UInt64] = ["bus": 8192, "video": 4096]
  /// What QEMU saw; nil for the usual of the claim.
  var log: TraceLog?
  /// Events that are kept of it, of each kind.
  var eventLimit = 100
  var findings: [SanitizerFinding] = []
  var route = Route.switch
  var hasCMB = true

  /// A case that goes through the page cache.
  static var fallback: DeviceMapScene {
    var scene = DeviceMapScene()
    scene.claim = .memory
    scene.pages = PageCounts(fallback: 2, refusals: 1)
    scene.bytes = ["memory": 8192]
    return scene
  }

  /// A case that claims nothing, and takes both paths.
  static var mixed: DeviceMapScene {
    var scene = DeviceMapScene()
    scene.claim = .mixed
    scene.pages = PageCounts(direct: 2, fallback: 1)
    scene.bytes = ["bus": 8192, "memory": 4096]
    return scene
  }

  /// A window that the controller of `ns0` fills by two pages at `address`.
  static func filled(_ address: UInt64 = Place.cmb, direction: TransferDirection = .read)
    -> TraceLog
  {
    var log = TraceLog()
    log.edge(7, end: false)
    log.command(direction, disk: 0x10000, bytes: 8192, to: address)
    log.edge(7, end: true)
    return log
  }

  var trace: NVMeTrace {
    var parser = NVMeTraceParser(eventLimit: eventLimit)
    parser.take((log ?? Self.filled(claim == .memory ? Place.ram : Place.cmb)).text)
    return parser.finish()
  }

  var observation: CaseObservation {
    let name = "gpu0.\(volume.isEmpty ? "" : volume + ".")rule1-read-revokes"
    var observation = CaseObservation(
      header: CaseHeader(n: 7, name: name, volume: volume, peer: "gpu0", op: .gpu))
    observation.gpu = GPUObservation(
      claim: claim, counts: GPUCounts(commands: 1, faults: 1, aborts: 0, pages: pages))
    observation.gpu?.leavesFile = leavesFile
    if isCompared { observation.comparedFiles.insert(.direct) }
    observation.result = CaseVerdictLine(n: 7, name: name, status: status)
    return observation
  }

  var record: CaseRecord {
    var chosen = topology(route: route)
    if !hasCMB { chosen.nvme[0].cmb = nil }
    return GPUCaseAssessment(
      topology: chosen, findings: findings,
      deviceMap: DeviceMapAccount(topology: chosen, bus: busMap, trace: trace, path: path),
      isInterrupted: isInterrupted
    ).record(of: observation, activity: GPUActivity(claim: claim, commands: 1, bytes: bytes))
  }

  var outcome: CaseOutcome { record.outcome }
}

extension TraceLog {
  /// The marker of a case of the GPU.
  mutating func edge(_ n: Int, end: Bool) {
    let value = 0x5800_0004 | n << 8 | (end ? 1 : 0)
    line("pci_nvme_getfeat cid 17 nsid 0x0 fid 0x1 sel 0x0 cdw11 0x\(String(value, radix: 16))")
  }
}
