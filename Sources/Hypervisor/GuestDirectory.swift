// SPDX-License-Identifier: Apache-2.0

import CLibvirt
import Synchronization

/// Knows the running guests by their domain's name, and passes libvirt's events on to them.
///
/// Callbacks are registered for the whole connection, before there is a domain: registered with the
/// domain, they would miss an end that comes right after the start.
final class GuestDirectory: Sendable {
  private let byName = Mutex<[String: GuestLife]>([:])

  func guests() -> [GuestLife] { byName.withLock { Array($0.values) } }

  /// Adds a guest, unless the name is taken.
  func add(_ guest: GuestLife, name: String) -> Bool {
    byName.withLock { byName in
      guard byName[name] == nil else { return false }
      byName[name] = guest
      return true
    }
  }

  func remove(name: String) {
    // Released outside of the lock.
    _ = byName.withLock { $0.removeValue(forKey: name) }
  }

  fileprivate func guest(of domain: OpaquePointer?) -> GuestLife? {
    guard let domain, let name = virDomainGetName(domain) else { return nil }
    return byName.withLock { $0[String(cString: name)] }
  }

  /// Asks libvirt for life cycle, agent and virtio-serial port events.
  ///
  /// - Returns: what to take back before the connection is closed.
  func register(
    with connection: LibvirtObject
  ) throws(HypervisorError) -> [(number: Int32, isMonitor: Bool)] {
    var numbers: [(number: Int32, isMonitor: Bool)] = []
    for (event, callback) in [
      (VIR_DOMAIN_EVENT_ID_LIFECYCLE, lifecycleCallback),
      (VIR_DOMAIN_EVENT_ID_AGENT_LIFECYCLE, agentCallback),
    ] {
      let number = virConnectDomainEventRegisterAny(
        connection.pointer, nil, Int32(bitPattern: event.rawValue), callback,
        Unmanaged.passRetained(self).toOpaque(), releaseDirectory)
      guard number >= 0 else { throw registrationError(.last()) }
      numbers.append((number, false))
    }
    let number = virConnectDomainQemuMonitorEventRegister(
      connection.pointer, nil, "VSERPORT_CHANGE", monitorCallback,
      Unmanaged.passRetained(self).toOpaque(), releaseDirectory, 0)
    guard number >= 0 else { throw registrationError(.last()) }
    numbers.append((number, true))
    return numbers
  }

  private func registrationError(_ failure: LibvirtFailure) -> HypervisorError {
    HypervisorError(.libvirt, attempt: "ask libvirt for events", problem: failure.message)
  }
}

// MARK: - C callbacks, on the thread of the event loop

private func directory(_ opaque: UnsafeMutableRawPointer?) -> GuestDirectory? {
  opaque.map { Unmanaged<GuestDirectory>.fromOpaque($0).takeUnretainedValue() }
}

private let releaseDirectory: virFreeCallback = { opaque in
  guard let opaque else { return }
  Unmanaged<GuestDirectory>.fromOpaque(opaque).release()
}

/// libvirt registers every kind of callback as the generic one and calls it as what the event's
/// kind says, like the macro `VIR_DOMAIN_EVENT_CALLBACK` has it.
private let lifecycleCallback: virConnectDomainEventGenericCallback = {
  let callback: virConnectDomainEventCallback = { _, domain, event, detail, opaque in
    directory(opaque)?.guest(of: domain)?.lifecycle(event: event, detail: detail)
    return 0
  }
  return unsafeBitCast(callback, to: virConnectDomainEventGenericCallback.self)
}()

private let agentCallback: virConnectDomainEventGenericCallback = {
  let callback: virConnectDomainEventAgentLifecycleCallback = { _, domain, state, _, opaque in
    let connected = VIR_CONNECT_DOMAIN_EVENT_AGENT_LIFECYCLE_STATE_CONNECTED.rawValue
    directory(opaque)?.guest(of: domain)?.agent(connected: UInt32(bitPattern: state) == connected)
  }
  return unsafeBitCast(callback, to: virConnectDomainEventGenericCallback.self)
}()

private let monitorCallback: virConnectDomainQemuMonitorEventCallback = {
  _, domain, _, _, _, details, opaque in
  guard let details else { return }
  directory(opaque)?.guest(of: domain)?.portChanged(details: String(cString: details))
}
