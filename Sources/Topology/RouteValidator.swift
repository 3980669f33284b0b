// SPDX-License-Identifier: Apache-2.0

/// Judges what a topology expects: each pair has one route, and each limit belongs to a pair.
struct RouteValidator {
  let topology: Topology
  let source: SourceMap

  /// An NVMe controller and another device's memory.
  private struct Pair: Hashable {
    let from: String
    let to: String
  }

  func validate() throws(TopologyError) {
    let stated = try checkRoutes()
    try checkComplete(stated)
    try checkLimits(stated)
  }

  private func checkRoutes() throws(TopologyError) -> [Pair: Int] {
    var stated: [Pair: Int] = [:]
    for (i, route) in topology.routes.enumerated() {
      let path: [SourceMap.Step] = ["routes", .index(i)]
      try checkPair(from: route.from, to: route.to, at: path)
      guard route.route != .device else {
        throw source.error(
          at: path + ["route"], "the route `device` is only a controller's way to its own CMB",
          mend: "use `switch`, `host-bridge` or `none`")
      }
      let line = source.line(of: path)
      if let first = stated.updateValue(line, forKey: Pair(from: route.from, to: route.to)) {
        throw source.error(
          at: path,
          "the route from `\(route.from)` to `\(route.to)` is already stated on line \(first)",
          mend: "keep one of them")
      }
    }
    return stated
  }

  private func checkPair(
    from: String, to: String, at path: [SourceMap.Step]
  ) throws(TopologyError) {
    let controllers = topology.nvme.map(\.id)
    guard controllers.contains(from) else {
      throw source.error(
        at: path + ["from"], "`\(from.prefix(40))` is no NVMe controller of this topology",
        mend: Suggestion.mend(for: from, among: controllers))
    }
    guard from != to else {
      throw source.error(
        at: path + ["to"], "a controller reaches its own CMB without any route",
        mend: "remove the entry")
    }
    let peers = topology.peerMemory.filter { $0 != from }
    guard peers.contains(to) else {
      let isController = controllers.contains(to)
      throw source.error(
        at: path + ["to"],
        isController
          ? "`\(to)` has no memory for peers, since it has no CMB"
          : "`\(to.prefix(40))` is no device with peer memory in this topology",
        mend: isController
          ? "give it a `cmb:` or remove the entry"
          : peers.isEmpty ? "remove the entry" : Suggestion.mend(for: to, among: peers))
    }
  }

  private func checkComplete(_ stated: [Pair: Int]) throws(TopologyError) {
    for controller in topology.nvme {
      for peer in topology.peerMemory where peer != controller.id {
        guard stated[Pair(from: controller.id, to: peer)] == nil else { continue }
        throw source.error(
          at: ["routes"], "no route is stated from `\(controller.id)` to `\(peer)`",
          mend: "add `- {from: \(controller.id), to: \(peer), route: ...}` below `routes:` with "
            + "`switch`, `host-bridge` or `none`")
      }
    }
  }

  private func checkLimits(_ stated: [Pair: Int]) throws(TopologyError) {
    var seen: Set<Pair> = []
    for (i, limit) in topology.limits.enumerated() {
      let path: [SourceMap.Step] = ["limits", .index(i)]
      let pair = Pair(from: limit.from, to: limit.to)
      guard stated[pair] != nil else {
        let routes = topology.routes.map { "\($0.from) to \($0.to)" }
        throw source.error(
          at: path,
          "a limit is given from `\(limit.from.prefix(40))` to `\(limit.to.prefix(40))`, "
            + "which has no route",
          mend: routes.isEmpty ? "remove it" : "use a stated pair: \(Suggestion.list(routes))")
      }
      guard seen.insert(pair).inserted else {
        throw source.error(
          at: path, "a second limit is given from `\(limit.from)` to `\(limit.to)`",
          mend: "keep one of them")
      }
    }
  }
}
