// SPDX-License-Identifier: Apache-2.0

import Topology
import Verification

/// The cases of a volume and a peer that share a route, or those of a GPU on a volume.
struct CaseGroup {
  /// What its cases do, which decides what there is to tell of them.
  enum Kind: Hashable {
    /// They move file blocks to or from a peer's memory, on this route.
    case transfer(Route)
    /// They have the peer GPU work.
    case gpu
  }

  /// Such as `nvme0/ns0 → gpu0`.
  let title: String
  let kind: Kind
  let cases: [CaseRecord]

  /// The groups of a run, in the order in which they began.
  static func groups(of record: RunRecord) -> [CaseGroup] {
    struct Key: Hashable {
      let volume: String
      let peer: String
      let kind: Kind
    }
    var order: [Key] = []
    var cases: [Key: [CaseRecord]] = [:]
    for item in record.cases {
      let kind = item.operation == .gpu ? Kind.gpu : .transfer(item.expectedRoute)
      let key = Key(volume: item.volume, peer: item.peer, kind: kind)
      if cases[key] == nil { order.append(key) }
      cases[key, default: []].append(item)
    }
    return order.map { key in
      let controller = record.topology.controller(ofNamespace: key.volume).map { "\($0.id)/" } ?? ""
      let volume = controller + key.volume
      let title =
        switch key.kind {
        case .transfer: "\(volume) → \(key.peer)"
        case .gpu: volume.isEmpty ? key.peer : "\(key.peer) on \(volume)"
        }
      return CaseGroup(title: title.printable, kind: key.kind, cases: cases[key] ?? [])
    }
  }

  /// The title with its route.
  var heading: String { routeWords.isEmpty ? title : "\(title)  \(routeWords)" }

  /// The route in words.
  var routeWords: String {
    switch kind {
    case .transfer(.device): "within the device"
    case .transfer(.switch): "through the switch"
    case .transfer(.hostBridge): "through the host bridge"
    case .transfer(.none): "no route: a refusal is expected"
    case .gpu: ""
    }
  }
}
