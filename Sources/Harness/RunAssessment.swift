// SPDX-License-Identifier: Apache-2.0

import Artifacts
import Foundation
import Hypervisor
import PCIInspection
import Topology
import Verification

/// The verdict of a run, from everything that it left.
struct RunAssessment: Sendable {
  let request: RunRequest
  let directory: RunDirectory
  let tree: PCITree
  let observation: SuiteExecution.Observation
  let console: [ConsoleFinding]

  /// The cases, in the order in which they ran.
  func cases() throws -> [CaseRecord] {
    let assessment = CaseAssessment(
      topology: request.topology, bus: try busMap(),
      trace: NVMeTrace(log: try directory.content(of: .trace)),
      consoleHasDMAFault: console.contains { $0.kind == .iommuFault }, strict: request.strict)
    var observations = observation.testimony.cases
    for file in observation.testimony.files { try compare(file, &observations) }
    return observations.map(assessment.record)
  }

  /// The record of the run.
  func record(
    cases: [CaseRecord], timings: RunRecord.Timings, environment: RunRecord.Environment,
    kernel: KernelImage
  ) -> RunRecord {
    RunRecord(
      suite: request.suite.rawValue, topology: request.topology,
      topologyFile: request.topologyPath, strict: request.strict, cases: cases,
      interruption: observation.interruption, timings: timings, environment: environment,
      kernel: RunRecord.Kernel(release: kernel.release, origin: kernel.origin),
      console: console.map {
        RunRecord.ConsoleReport(kind: $0.kind.rawValue, line: $0.line, text: $0.text)
      })
  }

  private func busMap() throws -> BusMap {
    let topology = request.topology
    let addresses = tree.resolve(topology)
    var peers: [String: Range<UInt64>] = [:]
    for id in topology.peerMemory {
      // Video memory and the CMB are both in BAR 2 (QEMU: ivshmem-spec.rst, hw/nvme/ctrl.c).
      guard let address = addresses[id], let range = tree.device(at: address)?.bar(2)?.range else {
        throw EnvironmentError("The guest's tree has no BAR 2 for \(id): see \(directory.path).")
      }
      peers[id] = range
    }
    var blockSizes: [UInt32: UInt64] = [:]
    var requesters: [UInt32: RequesterID] = [:]
    for controller in topology.nvme {
      for namespace in controller.namespaces {
        blockSizes[namespace.nsid] = UInt64(clamping: namespace.lba)
        requesters[namespace.nsid] = addresses[controller.id].map {
          RequesterID(bus: $0.bus, device: $0.device, function: $0.function)
        }
      }
    }
    return BusMap(
      peers: peers, memory: SystemMemory.ranges(size: topology.machine.memory.bytes),
      blockSizes: blockSizes, requesters: requesters)
  }

  /// Compares a file with the raw image of its volume. Files are named after their case and phase.
  private func compare(
    _ file: FileReport, _ observations: inout [CaseObservation]
  ) throws {
    let name = file.path.split(separator: "/").last.map(String.init) ?? ""
    let owner = observations.firstIndex { observation in
      Phase.allCases.contains { name == "\(observation.header.name).\($0.rawValue)" }
    }
    guard let owner, let phase = Phase.allCases.first(where: { name.hasSuffix($0.rawValue) }),
      request.topology.namespaces.contains(where: { $0.id == file.volume })
    else { return }
    // A direct write that was refused left nothing that could be compared.
    guard observations[owner].phases[phase]?.errno == 0 else { return }
    do {
      let image = try FileHandle(
        forReadingFrom: URL(filePath: directory.imagePath(namespace: file.volume)))
      defer { try? image.close() }
      let check = try RawImageCheck(file, limit: 1 << 30)
      let difference = try check.difference { offset, count in
        try image.seek(toOffset: offset)
        return [UInt8](try image.read(upToCount: count) ?? Data())
      }
      if let difference {
        observations[owner].diskDifferences[phase] =
          "in the raw image of \(file.volume), \(difference)"
      }
    } catch let error as ProtocolViolation {
      observations[owner].diskDifferences[phase] = "the file can't be checked: \(error)"
    }
  }
}

/// Where a q35 machine has its system memory (QEMU, hw/i386/pc_q35.c).
enum SystemMemory {
  /// Bus addresses of `size` bytes of memory: below 4 GiB as far as there is room, the rest above.
  static func ranges(size: UInt64) -> [Range<UInt64>] {
    let room: UInt64 = size >= 0xB000_0000 ? 0x8000_0000 : 0xB000_0000
    guard size > room else { return [0..<size] }
    let four: UInt64 = 1 << 32
    return [0..<room, four..<four + (size - room)]
  }
}
