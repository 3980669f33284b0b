// SPDX-License-Identifier: Apache-2.0

import Topology
import Verification

/// The cases of a volume and a peer that share a route.
struct CaseGroup {
  /// Such as `nvme0/ns0 → gpu0`.
  let title: String
  let route: Route
  let cases: [CaseRecord]

  /// The groups of a run, in the order in which they began.
  static func groups(of record: RunRecord) -> [CaseGroup] {
    struct Key: Hashable {
      let volume: String
      let peer: String
      let route: Route
    }
    var order: [Key] = []
    var cases: [Key: [CaseRecord]] = [:]
    for item in record.cases {
      let key = Key(volume: item.volume, peer: item.peer, route: item.expectedRoute)
      if cases[key] == nil { order.append(key) }
      cases[key, default: []].append(item)
    }
    return order.map { key in
      let controller = record.topology.controller(ofNamespace: key.volume).map { "\($0.id)/" } ?? ""
      return CaseGroup(
        title: "\(controller)\(key.volume) → \(key.peer)".printable, route: key.route,
        cases: cases[key] ?? [])
    }
  }

  /// The title with its route.
  var heading: String { "\(title)  \(routeWords)" }

  /// The route in words.
  var routeWords: String {
    switch route {
    case .device: "within the device"
    case .switch: "through the switch"
    case .hostBridge: "through the host bridge"
    case .none: "no route: a refusal is expected"
    }
  }
}
