// SPDX-License-Identifier: Apache-2.0

import Topology

/// Decides what one power cut showed of one volume: by what the next life of the guest found on it, and
/// by the path of the writes before the cut.
public struct PowerCutAssessment: Sendable {
  /// What was asked for.
  public let topology: Topology
  /// How the run was asked to have the GPU write.
  public let path: MappingPath

  /// Prepares to assess the cuts of a run.
  public init(topology: Topology, path: MappingPath) {
    self.topology = topology
    self.path = path
  }

  /// The record of a volume and a cut.
  ///
  /// - Parameters:
  ///   - number: number of the record.
  ///   - cut: which cut, from 1.
  ///   - volume: id of the namespace.
  ///   - gpu: id of the GPU that wrote.
  ///   - cases: what the next life of the guest found.
  ///   - activity: what the GPU did before the cut, with the paths of its data; nil if it did nothing.
  public func record(
    number: Int, cut: Int, volume: String, gpu: String, cases: [CaseObservation],
    activity: GPUActivity?
  ) -> CaseRecord {
    let digits = String(cut)
    let padded = String(repeating: "0", count: max(0, 3 - digits.count)) + digits
    let route = topology.controller(ofNamespace: volume)
      .map { topology.route(from: $0.id, to: gpu) }
    var record = CaseRecord(
      number: number, name: "\(gpu).\(volume).cut-\(padded)", volume: volume, peer: gpu,
      operation: .gpu, expectedRoute: route ?? Route.none, outcome: CaseOutcome(.verified))
    record.gpu = activity
    record.outcome =
      found("verify", .lostWrite, volume, cases)
      ?? found("check", .uncleanFileSystem, volume, cases)
      ?? wrongPath(gpu, activity) ?? CaseOutcome(.verified)
    return record
  }

  /// What is wrong by a case of the next life.
  private func found(
    _ what: String, _ failure: CaseOutcome.Failure, _ volume: String, _ cases: [CaseObservation]
  ) -> CaseOutcome? {
    let item = cases.first {
      $0.header.volume == volume && $0.header.name.hasSuffix(".\(what)")
    }
    guard let item, let result = item.result else {
      return .failed(
        .incomplete, "After the cut the guest never came to the end of \(volume)'s \(what).")
    }
    if let violation = item.violations.first {
      return .failed(.protocolViolation, "The protocol was broken: \(violation).")
    }
    switch result.status {
    case .passed: return nil
    case .skipped(let reason):
      return .failed(.incomplete, "After the cut \(volume)'s \(what) was skipped: \(reason).")
    case .failed(let reason):
      return .failed(failure, "After the cut: \(item.diagnostic ?? reason).")
    }
  }

  private func wrongPath(_ gpu: String, _ activity: GPUActivity?) -> CaseOutcome? {
    guard let activity else {
      return .failed(.incomplete, "The GPU wrote nothing before the cut.")
    }
    let reached = DeviceMapCoverage.controllers(reachedBy: gpu, in: topology)
    let traffic = activity.files?.controllers ?? [:]
    let all = topology.nvme.allSatisfy { reached.contains($0.id) } && path != .fallback
    let problem: String? =
      if path == .fallback || reached.isEmpty {
        if activity.barBytes > 0 {
          "the GPU moved \(activity.barBytes) bytes from or to a BAR of another device"
        } else if traffic.values.contains(where: { $0.anyBAR > 0 }) {
          "by QEMU's account a controller moved data from or to a BAR"
        } else {
          nil
        }
      } else if activity.barBytes == 0 {
        "the GPU moved no byte from or to a BAR of another device"
      } else if all, activity.bytes(by: "memory") > 0 {
        "the GPU moved \(activity.bytes(by: "memory")) bytes from or to system memory"
      } else if !traffic.values.contains(where: { $0.writtenBack > 0 }) {
        "by QEMU's account no controller moved a byte from its BAR to its disk"
      } else {
        nil
      }
    return problem.map {
      .failed(.wrongPath, "The writes before the cut took another path than they have to: \($0).")
    }
  }
}
