// SPDX-License-Identifier: Apache-2.0

import Topology

/// Whether a whole run of the suite `device-map` has cases that go direct wherever they have to, and
/// through the page cache where they can't: a program that claims nothing proves nothing.
public enum DeviceMapCoverage {
  /// The ids of the controllers whose BAR a GPU is expected to reach: those with a CMB and a route.
  public static func controllers(reachedBy gpu: String, in topology: Topology) -> [String] {
    topology.nvme.filter {
      $0.cmb != nil && topology.route(from: $0.id, to: gpu) != Route.none
    }.map(\.id)
  }

  /// A sentence for each volume and GPU that owe a case that takes their way, and have none: direct
  /// where the GPU reaches the BAR, through the page cache elsewhere.
  ///
  /// - Parameters:
  ///   - cases: those of the suite that ran.
  ///   - path: what the run was asked to have the GPU use.
  ///   - isWhole: whether they are all that the suite has. A part of them owes nothing unless the
  ///     direct path was asked for, and then only on the volumes that it is about: a case that claims
  ///     no path will do, if it went there.
  public static func faults(
    of cases: [CaseRecord], topology: Topology, path: MappingPath, isWhole: Bool = true
  ) -> [String] {
    guard path == .direct || isWhole else { return [] }
    return topology.gpus.flatMap { gpu in
      let reached = Set(controllers(reachedBy: gpu.id, in: topology))
      return topology.nvme.flatMap { controller in
        controller.namespaces.compactMap { namespace -> String? in
          let own = cases.filter { $0.volume == namespace.id && $0.peer == gpu.id }
          guard isWhole || !own.isEmpty else { return nil }
          let isReached = reached.contains(controller.id)
          guard path == .direct || path == .auto && isReached else {
            return own.contains(where: \.fellBack)
              ? nil
              : "No case of \(namespace.id) took \(gpu.id)'s way through the page cache, which is "
                + "the only one here."
          }
          guard isReached else {
            return "No case of \(namespace.id) can go direct to \(gpu.id), and --path direct asks "
              + "for it; the topology has no way from \(controller.id)'s memory to \(gpu.id). Take "
              + "a topology that has one, such as switch, or --path auto."
          }
          guard !own.contains(where: { $0.goesDirect || !isWhole && $0.wentDirect }) else {
            return nil
          }
          return "No case of \(namespace.id) went direct to \(gpu.id), and the topology expects "
            + "that \(gpu.id) reaches the BAR of \(controller.id)."
        }
      }
    }
  }
}

extension CaseRecord {
  /// It tried to, and says whether it could.
  fileprivate var goesDirect: Bool {
    guard outcome.kind != .skipped, case .direct = gpu?.claim else { return false }
    return true
  }

  /// It moved a file's data through the page cache and no other way.
  fileprivate var fellBack: Bool {
    outcome.kind != .skipped && gpu?.files?.path == .fallback
  }

  /// It claims no path, and took that one, perhaps among others.
  fileprivate var wentDirect: Bool {
    guard outcome.kind != .skipped, gpu?.claim == .mixed else { return false }
    return [.direct, .mixed].contains(gpu?.files?.path)
  }
}
