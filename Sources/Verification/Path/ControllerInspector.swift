// SPDX-License-Identifier: Apache-2.0

/// Follows the controllers through QEMU's trace while a case has the peer GPU work.
struct ControllerInspector {
  private let trace: NVMeTrace
  private let regions: BusRegions
  /// Topology id of the controller, by namespace id.
  private let controllers: [UInt32: String]

  /// No vIOMMU translates: the addresses in the trace are bus addresses.
  init(trace: NVMeTrace, bus: BusMap, controllers: [UInt32: String]) {
    self.trace = trace
    regions = BusRegions(bus)
    self.controllers = controllers
  }

  /// The trace was too long to be kept.
  var isTruncated: Bool { trace.isTruncated }

  /// What each controller moved in a case, by topology id; those that did nothing are missing.
  ///
  /// - Throws: when the trace does not bracket the case.
  func traffic(ofCase n: Int) throws(ProtocolViolation) -> [String: ControllerTraffic] {
    guard let window = trace.windows[.init(gpu: n)] else {
      throw .markersMissing(n, nil, reason: "there are no markers")
    }
    if let flaw = window.flaw { throw .markersMissing(n, nil, reason: flaw) }
    return traffic(of: window.commands)
  }

  /// What each controller moved in a whole trace.
  func traffic() -> [String: ControllerTraffic] { traffic(of: trace.commands.indices) }

  private func traffic(of commands: Range<Int>) -> [String: ControllerTraffic] {
    var result: [String: ControllerTraffic] = [:]
    for command in trace.commands[commands] {
      // QEMU names no namespace that it does not have.
      guard let id = controllers[command.nsid] else { continue }
      var traffic = result[id] ?? ControllerTraffic()
      if command.mappedBytes == command.bytes {
        for entry in trace.addresses[command.addresses] { add(entry, command, id, to: &traffic) }
      } else {
        traffic.refused &+= command.bytes
      }
      result[id] = traffic
    }
    return result
  }

  private func add(
    _ entry: NVMeTrace.DataAddress, _ command: NVMeTrace.Command, _ id: String,
    to traffic: inout ControllerTraffic
  ) {
    var done: UInt64 = 0
    while done < entry.length {
      let (place, room) = regions.place(of: entry.address &+ done)
      let length = min(room, entry.length - done)
      traffic.add(length, command.direction, at: place, of: id)
      done += length
    }
  }
}
