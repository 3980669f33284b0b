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
    /// They run a program that others wrote.
    case foreign(String, fileSystem: String?)
    /// They have it work on files whose blocks may be in a BAR, on this route; nil for files of no
    /// volume.
    case deviceMap(Route?)

    init(_ item: CaseRecord) {
      self =
        switch (item.operation, item.suite) {
        case (.gpu, "device-map"), (.gpu, "power-cut"):
          .deviceMap(item.volume.isEmpty ? nil : item.expectedRoute)
        case (.gpu, _): .gpu
        case (.foreign, _):
          .foreign(item.foreign?.program ?? "program", fileSystem: item.foreign?.fileSystem)
        default: .transfer(item.expectedRoute)
        }
    }
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
      let key = Key(volume: item.volume, peer: item.peer, kind: Kind(item))
      if cases[key] == nil { order.append(key) }
      cases[key, default: []].append(item)
    }
    return order.map { key in
      let controller = record.topology.controller(ofNamespace: key.volume).map { "\($0.id)/" } ?? ""
      let volume = controller + key.volume
      let title =
        switch key.kind {
        case .transfer: "\(volume) → \(key.peer)"
        case .gpu, .deviceMap(nil): volume.isEmpty ? key.peer : "\(key.peer) on \(volume)"
        case .foreign(let program, let fileSystem):
          [program, [volume, fileSystem ?? ""].filter { !$0.isEmpty }.joined(separator: ", ")]
            .filter { !$0.isEmpty }.joined(separator: " on ")
        case .deviceMap:
          ["\(key.peer) on \(volume)", record.topology.fileSystem(of: key.volume)]
            .compactMap(\.self).joined(separator: ", ")
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
    case .gpu, .foreign, .deviceMap(nil): ""
    case .deviceMap(.switch?): "blocks through the switch"
    case .deviceMap(.hostBridge?): "blocks through the host bridge"
    case .deviceMap(.device?), .deviceMap(Route.none?): "no route: the page cache"
    }
  }
}

extension Topology {
  /// The file system of a namespace.
  func fileSystem(of namespace: String) -> String? {
    namespaces.first { $0.id == namespace }?.filesystem.rawValue
  }
}
