// SPDX-License-Identifier: Apache-2.0

import CLibvirt
import Foundation
import Synchronization

/// What libvirt and the console tell of one guest, turned into its events, from before its domain
/// exists until after it is gone.
final class GuestLife: Sendable {
  let hub: EventHub
  /// Follows the guest's console.
  let console: ConsoleWatcher
  private let logs: LogBound

  private let fate = Mutex(Fate())
  /// Off libvirt's event thread, which must not wait: reading the end of the console takes a
  /// moment.
  private let ending = BlockingQueue("crossbar.guest.end")
  private let onEnd: @Sendable () -> Void

  private struct Fate {
    var domain: LibvirtObject?
    var stopped = false
    /// Why this process ended the guest, if it did.
    var intention: GuestEnd.Cause?
  }

  /// Begins to watch the console of a guest that is about to start.
  ///
  /// - Parameters:
  ///   - consolePath: the console file.
  ///   - logs: what else QEMU writes on the guest's behalf; a guest that makes one of them too long
  ///     is ended.
  ///   - logLimit: how long they may get, in bytes.
  ///   - onEnd: called once, when the guest is gone.
  init(
    consolePath: String, logs: [String] = [], logLimit: Int64 = 1 << 30,
    onEnd: @escaping @Sendable () -> Void
  ) throws(HypervisorError) {
    let hub = EventHub()
    self.hub = hub
    self.onEnd = onEnd
    // The watcher knows the guest only by what it has to tell: no cycle of references.
    let flood = BlockingQueue("crossbar.guest.flood")
    let flooded = FloodHandler()
    console = try ConsoleWatcher(
      path: consolePath, onFlood: { flood.enqueue { flooded.run(.flooded) } },
      onFinding: { hub.publish(.finding($0)) })
    self.logs = LogBound(logs, limit: logLimit) { excess in
      flood.enqueue {
        switch excess {
        case .length: flooded.run(.floodedLogs)
        case .room: flooded.run(.fullDisk)
        }
      }
    }
    flooded.set { [weak self] in self?.destroy($0) }
  }

  /// The domain exists.
  func started(_ domain: LibvirtObject) {
    fate.withLock { $0.domain = domain }
    hub.publish(.started)
  }

  /// The domain could not be started: nothing will come any more.
  func abandon() { stop(.died) }

  /// Ends the domain at once. Blocks until QEMU is gone; `.ended` follows.
  func destroy(_ cause: GuestEnd.Cause = .destroyed) {
    let domain = fate.withLock { fate -> LibvirtObject? in
      guard !fate.stopped else { return nil }
      if fate.intention == nil { fate.intention = cause }
      return fate.domain
    }
    guard let domain else { return }
    // Fails only if the domain is gone already, by itself or by somebody else's hand.
    virDomainDestroy(domain.pointer)
    // The event says the same, and does nothing then; but it doesn't come once a connection has
    // broken.
    stop(cause)
  }

  private func stop(_ cause: GuestEnd.Cause) {
    let end = fate.withLock { fate -> GuestEnd.Cause? in
      guard !fate.stopped else { return nil }
      fate.stopped = true
      return fate.intention ?? cause
    }
    guard let end else { return }
    logs.finish()
    ending.enqueue { [self] in
      console.finish()
      // What the console said last decides what kind of end it was.
      let panic = console.findings.first { $0.kind == .panic }
      fate.withLock { $0.domain = nil }
      // Before anybody hears of the end: the next guest may have the same name.
      onEnd()
      hub.publish(.ended(GuestEnd(cause: end, panic: panic)))
    }
  }
}

// MARK: - Events, on the thread of the event loop

extension GuestLife {
  /// A `virDomainEventType` with its detail.
  func lifecycle(event: Int32, detail: Int32) {
    if event == Int32(bitPattern: VIR_DOMAIN_EVENT_SHUTDOWN.rawValue),
      detail == Int32(bitPattern: VIR_DOMAIN_EVENT_SHUTDOWN_HOST.rawValue)
    {
      // Somebody sent QEMU a signal that it obeys in order. What follows looks like the guest's own
      // doing.
      fate.withLock { fate in
        if fate.intention == nil { fate.intention = .died }
      }
    }
    guard event == Int32(bitPattern: VIR_DOMAIN_EVENT_STOPPED.rawValue) else { return }
    switch virDomainEventStoppedDetailType(rawValue: UInt32(bitPattern: detail)) {
    case VIR_DOMAIN_EVENT_STOPPED_SHUTDOWN: stop(.poweredOff)
    // If nobody here meant it, somebody else did it.
    case VIR_DOMAIN_EVENT_STOPPED_DESTROYED: stop(.destroyed)
    default: stop(.died)
    }
  }

  func agent(connected: Bool) { hub.publish(.agent(connected: connected)) }

  /// QEMU's event VSERPORT_CHANGE: the guest opened or closed a virtio-serial port.
  func portChanged(details: String) {
    struct Change: Decodable {
      var id: String
      var open: Bool
    }
    guard let change = try? JSONDecoder().decode(Change.self, from: Data(details.utf8)),
      change.id == GuestSockets.programDevice
    else { return }
    hub.publish(.programChannel(open: change.open))
  }
}

/// A closure that is known only after the one that calls it.
private final class FloodHandler: Sendable {
  private let body = Mutex<(@Sendable (GuestEnd.Cause) -> Void)?>(nil)

  func set(_ body: @escaping @Sendable (GuestEnd.Cause) -> Void) {
    self.body.withLock { $0 = body }
  }

  func run(_ cause: GuestEnd.Cause) { body.withLock { $0 }?(cause) }
}
