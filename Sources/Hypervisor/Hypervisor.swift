// SPDX-License-Identifier: Apache-2.0

import CLibvirt
import Foundation
import Synchronization

/// A connection to libvirt's QEMU driver, and the place where its guests keep their sockets.
public final class Hypervisor: Sendable {
  /// Which libvirt to talk to.
  public enum Location: Sendable, Hashable {
    /// The QEMU driver inside this process: no daemon, no permission but the user's own.
    case embedded
    /// Any other: `qemu:///session`, `qemu:///system`. Its QEMU must be able to read the guest's
    /// files.
    case uri(String)
  }

  /// The run's private directory; the embedded driver's root.
  public var runtime: RuntimeDirectory { site.runtime }
  /// The URI that was opened.
  public let uri: String
  /// Ends the run if this process dies; files can be added that should go with it.
  public var supervisor: Supervisor? { site.supervisor }

  let connection: LibvirtObject
  /// A daemon is told to end the domain when this process dies. The embedded driver dies with this
  /// process and can't; there it is the supervisor's work.
  let startFlags: UInt32
  private let location: Location
  private let site: RunSite
  private let callbacks: [(number: Int32, isMonitor: Bool)]
  private let directory: GuestDirectory
  private let queue: BlockingQueue
  private let closed = Mutex(false)

  /// Opens a connection, after ending what dead runs left behind.
  ///
  /// Within one process there is one embedded driver: what is opened while another one is open
  /// shares its directory and its supervisor, and the last one that is closed removes them.
  ///
  /// - Parameters:
  ///   - location: which libvirt to talk to.
  ///   - cache: where libvirt keeps what it found out about QEMU; asking QEMU again takes seconds.
  ///     By default below `$XDG_CACHE_HOME` or `~/.cache`.
  ///   - supervised: whether a second process ends the run should this one die. Needs
  ///     `Supervisor.runIfRequested()` in `main`.
  public static func open(
    _ location: Location = .embedded,
    cache: String? = nil,
    supervised: Bool = true
  ) async throws(HypervisorError) -> Hypervisor {
    let queue = BlockingQueue("crossbar.hypervisor")
    return try await queue.run { () throws(HypervisorError) in
      let site =
        switch location {
        case .embedded:
          try RunSite.enterEmbedded(supervised: supervised, cache: cache ?? defaultCache)
        case .uri: try RunSite(supervised: supervised)
        }
      do throws(HypervisorError) {
        return try Hypervisor(location, site, queue)
      } catch {
        leave(site, of: location)
        throw error
      }
    }
  }

  private init(
    _ location: Location, _ site: RunSite, _ queue: BlockingQueue
  ) throws(HypervisorError) {
    self.location = location
    self.site = site
    self.queue = queue
    uri =
      switch location {
      case .embedded: "qemu:///embed?root=\(site.runtime.path)"
      case .uri(let uri): uri
      }
    startFlags = location == .embedded ? 0 : VIR_DOMAIN_START_AUTODESTROY.rawValue
    let log = location == .embedded ? site.runtime.path + "/libvirt.log" : nil
    try LibvirtProcess.start(log: log, embedded: location == .embedded)
    guard let pointer = virConnectOpen(uri) else {
      throw Self.connectError(.last(), uri: uri)
    }
    if location == .embedded { RunSite.embeddedIsOpen() }
    let connection = LibvirtObject(pointer) { virConnectClose($0) }
    let directory = GuestDirectory()
    self.connection = connection
    self.directory = directory
    callbacks = try directory.register(with: connection)
  }

  private static func leave(_ site: RunSite, of location: Location) {
    switch location {
    case .embedded: RunSite.leaveEmbedded()
    case .uri: site.remove()
    }
  }

  /// Closes the connection and removes the run's directory. Guests that still run are ended.
  public func close() async {
    let wasClosed = closed.withLock { closed in
      defer { closed = true }
      return closed
    }
    if wasClosed { return }
    _ = try? await queue.run { () throws(HypervisorError) in
      for guest in self.directory.guests() { guest.destroy() }
      self.release()
    }
  }

  private func release() {
    for callback in callbacks {
      if callback.isMonitor {
        virConnectDomainQemuMonitorEventDeregister(connection.pointer, callback.number)
      } else {
        virConnectDomainEventDeregisterAny(connection.pointer, callback.number)
      }
    }
    Self.leave(site, of: location)
  }

  /// Lets events of the domain `name` reach `guest` from now on.
  func register(_ guest: GuestLife, name: String) throws(HypervisorError) {
    guard directory.add(guest, name: name) else {
      throw HypervisorError(
        .invalidDescription, attempt: "start the guest \(name)",
        problem: "a guest of this name is running already", mend: "Give each guest its own name")
    }
  }

  func unregister(name: String) { directory.remove(name: name) }

  /// Has the embedded driver write QEMU's standard error to `file`. It makes the name itself, below
  /// its root.
  func linkLog(of name: String, to file: String) {
    let link = "\(runtime.path)/log/qemu/\(name).log"
    unlink(link)
    symlink(file, link)
  }

  /// The versions of libvirt and QEMU, `unknown` where libvirt does not tell.
  public var versions: (libvirt: String, qemu: String) {
    var libvirt: UInt = 0
    var qemu: UInt = 0
    let knowsLibvirt = virConnectGetLibVersion(connection.pointer, &libvirt) == 0
    let knowsQEMU = virConnectGetVersion(connection.pointer, &qemu) == 0
    return (
      libvirt: knowsLibvirt ? Self.version(libvirt) : "unknown",
      qemu: knowsQEMU ? Self.version(qemu) : "unknown"
    )
  }

  /// libvirt encodes a version as 1,000,000 major + 1,000 minor + release.
  private static func version(_ number: UInt) -> String {
    "\(number / 1_000_000).\(number / 1000 % 1000).\(number % 1000)"
  }

  private static var defaultCache: String {
    let environment = ProcessInfo.processInfo.environment
    let base = environment["XDG_CACHE_HOME"] ?? NSHomeDirectory() + "/.cache"
    return base + "/crossbar/libvirt"
  }

  private static func connectError(_ failure: LibvirtFailure, uri: String) -> HypervisorError {
    let mend =
      failure.message.contains("embed") || failure.is(VIR_ERR_NO_CONNECT)
      ? "Install the package libvirt-daemon-driver-qemu"
      : "Run `crossbar doctor`; it tries what libvirt needs"
    return HypervisorError(
      .environment, attempt: "open libvirt at \(uri)", problem: failure.message, mend: mend)
  }
}
