// SPDX-License-Identifier: Apache-2.0

import Topology

/// Holds what cases of the suite `device-map` claim about the path of file data against three
/// accounts that know nothing of each other: the GPU's ports, the pages that its driver mapped, and
/// what QEMU saw the controllers move.
public struct DeviceMapAccount: Sendable {
  private let topology: Topology
  private let path: MappingPath
  private let inspector: ControllerInspector

  /// Prepares to look at the cases of a run.
  ///
  /// - Parameters:
  ///   - topology: what was asked for; a vIOMMU, if any, passes DMA through.
  ///   - bus: where things are on the guest's bus.
  ///   - trace: what the controllers did.
  ///   - path: what the run was asked to have the GPU use.
  public init(topology: Topology, bus: BusMap, trace: NVMeTrace, path: MappingPath) {
    self.topology = topology
    self.path = path
    var controllers: [UInt32: String] = [:]
    for controller in topology.nvme {
      for namespace in controller.namespaces { controllers[namespace.nsid] = controller.id }
    }
    inspector = ControllerInspector(trace: trace, bus: bus, controllers: controllers)
  }

  /// What each controller moved in the whole trace, by topology id.
  public func traffic() -> [String: ControllerTraffic] { inspector.traffic() }

  /// What the topology expects between the case's volume and its GPU.
  func route(of header: CaseHeader) -> Route {
    topology.controller(ofNamespace: header.volume)
      .map { topology.route(from: $0.id, to: header.peer) } ?? Route.none
  }

  /// How file data moved in a case, and what is missing to prove it.
  func traffic(
    of observation: CaseObservation, _ activity: GPUActivity
  ) -> (traffic: FileTraffic, flaw: ProtocolViolation?) {
    let number = observation.header.n
    let pages = observation.gpu?.counts?.pages
    var controllers: [String: ControllerTraffic]?
    var flaw: ProtocolViolation?
    do {
      controllers = try inspector.traffic(ofCase: number)
    } catch {
      // Without a volume there is no controller to be asked, and a soak of races outgrows any trace: the
      // other two accounts remain.
      let isMissed = !observation.header.volume.isEmpty && !inspector.isTruncated
      if activity.claim != .mixed || isMissed { flaw = error }
    }
    if pages == nil { flaw = .countsMissing(number, what: "its pages by path") }
    return (FileTraffic(bytes: activity.bytes, pages: pages, controllers: controllers), flaw)
  }

  /// What contradicts the path that a case claims, or the one that the run was asked for.
  func failure(of header: CaseHeader, _ activity: GPUActivity) -> CaseOutcome? {
    guard let files = activity.files else { return nil }
    return contradiction(of: header, activity, files) ?? missingWay(of: header)
  }

  private func contradiction(
    of header: CaseHeader, _ activity: GPUActivity, _ files: FileTraffic
  ) -> CaseOutcome? {
    switch (activity.claim, path) {
    case (.direct(let id), .fallback):
      return .failed(
        .wrongPath,
        "The case claims the BAR of \(id), but the run is to use the page cache only.")
    case (.direct(let id), _):
      if let contradiction = contradictionOfBAR(of: id, activity, files) {
        return .failed(.wrongPath, "The case claims the BAR of \(id), but \(contradiction).")
      }
      guard topology.route(from: id, to: header.peer) != Route.none else {
        return .failed(
          .unexpectedSuccess,
          "The topology expects no route from \(id) to \(header.peer), but the GPU reached its BAR."
        )
      }
      return nil
    case (.memory, _), (.mixed, .fallback):
      return contradictionOfMemory(activity, files).map {
        let claimant = activity.claim == .memory ? "The case claims" : "The run is to use"
        return .failed(.wrongPath, "\(claimant) the page cache only, but \($0).")
      }
    case (.mixed, _): return contradictionOfBoth(header, activity, files)
    case (.video, _): return nil
    }
  }

  /// Why files of the case's volume can't be in a BAR that its GPU reaches; nil if they can.
  private func obstacle(of header: CaseHeader) -> String? {
    guard !header.volume.isEmpty else { return "The case has no volume" }
    guard let controller = topology.controller(ofNamespace: header.volume),
      controller.cmb != nil
    else { return "The controller of \(header.volume) has no CMB" }
    guard topology.route(from: controller.id, to: header.peer) != Route.none else {
      return "The topology expects no route from \(controller.id) to \(header.peer)"
    }
    return nil
  }

  /// A case of files that are out of reach shows nothing of the path that the run was asked for.
  private func missingWay(of header: CaseHeader) -> CaseOutcome? {
    guard path == .direct, !header.volume.isEmpty, let obstacle = obstacle(of: header) else {
      return nil
    }
    return .failed(.wrongPath, "\(obstacle), but the run is to use BARs only.")
  }

  /// A case that claims no path may take both, as long as all accounts tell the same of it.
  private func contradictionOfBoth(
    _ header: CaseHeader, _ activity: GPUActivity, _ files: FileTraffic
  ) -> CaseOutcome? {
    if let obstacle = obstacle(of: header) {
      return contradictionOfMemory(activity, files).map {
        .failed(.unexpectedSuccess, "\(obstacle), but \($0).")
      }
    }
    let id = topology.controller(ofNamespace: header.volume)?.id ?? ""
    let contradiction =
      contradictionOfPages(activity, files)
      ?? files.controllers.flatMap { contradictionOfControllers($0, id, activity, files) }
    return contradiction.map {
      .failed(.wrongPath, "The accounts of the case's path contradict each other: \($0).")
    }
  }

  /// What the GPU reached needs pages that its driver mapped. It may not reach all of them: some are
  /// taken back before.
  private func contradictionOfPages(_ activity: GPUActivity, _ files: FileTraffic) -> String? {
    let bar = activity.barBytes
    if bar > 0, files.pages?.direct == 0 {
      return "the GPU moved \(bar) bytes from or to a BAR, of which its driver mapped no page"
    }
    let memory = activity.bytes(by: "memory")
    if memory > 0, files.pages?.fallback == 0 {
      return
        "the GPU moved \(memory) bytes from or to system memory, of which its driver mapped no page"
    }
    return nil
  }

  /// A page of a BAR needs the controller `id`, whose files they are, to have filled it, and no other
  /// BAR is of use. Each case writes its files anew, so none finds what an earlier one left there.
  private func contradictionOfControllers(
    _ controllers: [String: ControllerTraffic], _ id: String,
    _ activity: GPUActivity, _ files: FileTraffic
  ) -> String? {
    for (other, traffic) in controllers.sorted(by: { $0.key < $1.key }) {
      let strange = other == id ? traffic.otherBARs : traffic.anyBAR
      guard strange == 0 else {
        return
          "by QEMU's account \(other) moved \(strange) bytes from or to a BAR, and not that of "
          + "\(id) with its own files, which the case is about"
      }
    }
    guard controllers[id]?.filled ?? 0 == 0 else { return nil }
    let witness: String? =
      if activity.barBytes > 0 {
        "the GPU moved \(activity.barBytes) bytes from or to a BAR"
      } else if let direct = files.pages?.direct, direct > 0 {
        "the driver mapped \(direct) pages of a BAR"
      } else {
        nil
      }
    return witness.map {
      "\($0), but by QEMU's account \(id) moved no byte from its disk into its own"
    }
  }

  private func contradictionOfBAR(
    of id: String, _ activity: GPUActivity, _ files: FileTraffic
  ) -> String? {
    let memory = activity.bytes(by: "memory")
    if memory > 0 { return "the GPU moved \(memory) bytes from or to system memory" }
    if activity.barBytes == 0 { return "the GPU moved no byte there" }
    if files.pages?.direct == 0 { return "the guest's driver mapped no page of it" }
    guard (files.controllers?[id]?.ownBAR ?? 0) > 0 else {
      return "by QEMU's account the controller moved no byte between its disk and its BAR"
    }
    return nil
  }

  private func contradictionOfMemory(_ activity: GPUActivity, _ files: FileTraffic) -> String? {
    if activity.barBytes > 0 {
      return "the GPU moved \(activity.barBytes) bytes from or to a BAR of another device"
    }
    if let direct = files.pages?.direct, direct > 0 {
      return "the guest's driver mapped \(direct) pages to a BAR"
    }
    for (id, traffic) in (files.controllers ?? [:]).sorted(by: { $0.key < $1.key })
    where traffic.anyBAR > 0 {
      return "by QEMU's account \(id) moved \(traffic.anyBAR) bytes from or to a BAR"
    }
    return nil
  }
}
