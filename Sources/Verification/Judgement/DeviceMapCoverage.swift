// SPDX-License-Identifier: Apache-2.0

import Topology

/// Whether a whole run of the suite `device-map` has cases that go direct wherever they have to: a
/// program that claims nothing proves nothing.
public enum DeviceMapCoverage {
  /// The ids of the controllers whose BAR a GPU is expected to reach: those with a CMB and a route.
  public static func controllers(reachedBy gpu: String, in topology: Topology) -> [String] {
    topology.nvme.filter {
      $0.cmb != nil && topology.route(from: $0.id, to: gpu) != Route.none
    }.map(\.id)
  }

  /// A sentence for each volume and GPU without a case of their own that claims the direct path.
  ///
  /// - Parameters:
  ///   - cases: all cases of the suite.
  ///   - path: what the run was asked to have the GPU use.
  public static func faults(
    of cases: [CaseRecord], topology: Topology, path: MappingPath
  ) -> [String] {
    guard path != .fallback else { return [] }
    return topology.gpus.flatMap { gpu in
      let reached = Set(controllers(reachedBy: gpu.id, in: topology))
      return topology.nvme.flatMap { controller in
        controller.namespaces.compactMap { namespace -> String? in
          let isExpected = reached.contains(controller.id)
          guard isExpected || path == .direct,
            !cases.contains(where: { $0.goesDirect(from: namespace.id, to: gpu.id) })
          else { return nil }
          let reason =
            isExpected
            ? "the topology expects that \(gpu.id) reaches the BAR of \(controller.id)"
            : "--path direct asks for it; the topology has no way from \(controller.id)'s memory to "
              + gpu.id
          return "No case of \(namespace.id) went direct to \(gpu.id), and \(reason)."
        }
      }
    }
  }
}

extension CaseRecord {
  /// It tried to, and says whether it could.
  fileprivate func goesDirect(from volume: String, to gpu: String) -> Bool {
    guard self.volume == volume, peer == gpu, outcome.kind != .skipped,
      case .direct = self.gpu?.claim
    else { return false }
    return true
  }
}
