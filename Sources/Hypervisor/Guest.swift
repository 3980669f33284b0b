// SPDX-License-Identifier: Apache-2.0

import CLibvirt
import Foundation
import Synchronization
import Topology

/// A running guest: its life, its agent, its programs. Ended by `shutdown`, `destroy`, its own
/// doing, or the end of this process.
public final class Guest: Sendable {
  /// What the guest was made from.
  public let description: GuestDescription
  /// The XML that libvirt was given.
  public let domainXML: String
  /// Follows the guest's console.
  public var console: ConsoleWatcher { life.console }

  let agent: GuestAgent
  /// The program channel, and the program that has it.
  let channel: ProgramChannel
  let program = Mutex<ProgramRun?>(nil)
  private let life: GuestLife
  let sockets: GuestSockets
  /// The directory that QEMU's command line names.
  let runtimeRoot: String
  private let domain: LibvirtObject
  /// Life cycle calls have a queue of their own, so that an agent command that waits for a guest
  /// that hangs is never in their way.
  private let control: BlockingQueue

  var hub: EventHub { life.hub }

  private init(
    _ description: GuestDescription, xml: String, life: GuestLife, domain: LibvirtObject,
    channel: ProgramChannel, control: BlockingQueue, sockets: GuestSockets, runtimeRoot: String
  ) {
    self.sockets = sockets
    self.runtimeRoot = runtimeRoot
    self.description = description
    domainXML = xml
    self.life = life
    self.domain = domain
    self.channel = channel
    self.control = control
    agent = GuestAgent(
      domain: domain, queue: BlockingQueue("crossbar.guest.agent"), hub: life.hub,
      qemuLog: description.logs.qemu)
  }

  /// Starts a guest. Returns when QEMU runs; the kernel has not done anything by then.
  public static func start(
    _ description: GuestDescription, on hypervisor: Hypervisor
  ) async throws(HypervisorError) -> Guest {
    let sockets = GuestSockets(directory: hypervisor.runtime.path, name: description.name)
    let xml = try DomainXML(description, sockets: sockets).text()
    let control = BlockingQueue("crossbar.guest.control")
    return try await control.run { () throws(HypervisorError) in
      let name = description.name
      let logs =
        [description.logs.qemu, description.logs.trace]
        + (description.logs.kernelTrace.map { [$0] } ?? [])
      let life = try GuestLife(
        consolePath: description.logs.console, logs: logs, logLimit: description.logs.sizeLimit
      ) {
        hypervisor.unregister(name: name)
      }
      try hypervisor.register(life, name: name)
      do throws(HypervisorError) {
        hypervisor.linkLog(of: name, to: description.logs.qemu)
        guard
          let pointer = virDomainCreateXML(
            hypervisor.connection.pointer, xml, hypervisor.startFlags)
        else { throw StartError.explain(.last(), description) }
        let domain = LibvirtObject(pointer) { virDomainFree($0) }
        life.started(domain)
        let channel = try ProgramChannel(connectingTo: sockets.program)
        return Guest(
          description, xml: xml, life: life, domain: domain, channel: channel, control: control,
          sockets: sockets, runtimeRoot: hypervisor.runtime.path)
      } catch {
        life.destroy()
        life.abandon()
        throw error
      }
    }
  }

  /// How the guest ended, once it has.
  public var end: GuestEnd? { hub.end }

  /// Waits until the guest agent answers: user space runs.
  ///
  /// - Parameters:
  ///   - limit: how long it may take.
  ///   - endsOnStall: whether a stall that RCU reports on the console is waited for no longer.
  /// - Throws: at once when the guest ends or panics, `.bootStalled`, and `.timeout` after `limit`.
  public func waitForAgent(
    limit: Duration = .seconds(60), endsOnStall: Bool = false
  ) async throws(HypervisorError) {
    let attempt = "boot the guest \(description.name)"
    let watch = BootWatch(attempt: attempt, qemuLog: qemuLog, endsOnStall: endsOnStall)
    let events = hub.events()
    let answer = await within(limit) { () -> Result<Void, HypervisorError> in
      for await event in events {
        if let outcome = watch.outcome(of: event) { return outcome }
      }
      return .failure(
        HypervisorError(.cancelled, attempt: attempt, problem: "it was cancelled"))
    }
    guard let answer else {
      guard !Task.isCancelled else {
        throw HypervisorError(.cancelled, attempt: attempt, problem: "it was cancelled")
      }
      throw HypervisorError(
        .timeout, attempt: attempt, problem: "its agent did not answer within \(limit)",
        mend: "See the end of \(description.logs.console) for where the boot stopped")
    }
    try answer.get()
    _ = try await agent.call(
      "guest-ping", AgentMessage.Nothing(), attempt: attempt, as: AgentMessage.Nothing.self)
  }

  /// Sends a command to QEMU's monitor.
  ///
  /// - Parameter command: QMP, for example `{"execute":"query-status"}`.
  /// - Returns: QEMU's answer as it came.
  public func qmp(_ command: String) async throws(HypervisorError) -> String {
    try await monitor(command, flags: VIR_DOMAIN_QEMU_MONITOR_COMMAND_DEFAULT)
  }

  /// Sends a command to QEMU's monitor for people (`info pci`) and returns what it prints.
  public func humanMonitor(_ command: String) async throws(HypervisorError) -> String {
    try await monitor(command, flags: VIR_DOMAIN_QEMU_MONITOR_COMMAND_HMP)
  }

  private func monitor(
    _ command: String, flags: virDomainQemuMonitorCommandFlags
  ) async throws(HypervisorError) -> String {
    let attempt = "ask QEMU `\(command.prefix(80))`"
    if let end = hub.end { throw end.error(attempt: attempt, log: qemuLog) }
    let domain = domain
    return try await control.run { () throws(HypervisorError) in
      var answer: UnsafeMutablePointer<CChar>?
      guard virDomainQemuMonitorCommand(domain.pointer, command, &answer, flags.rawValue) == 0,
        let answer
      else {
        throw HypervisorError(.libvirt, attempt: attempt, problem: LibvirtFailure.last().message)
      }
      defer { free(answer) }
      return String(cString: answer)
    }
  }

  /// Asks the guest to power off, and ends it if it doesn't.
  ///
  /// - Returns: how it ended: `.poweredOff` if it obeyed within `limit`, `.destroyed` if not.
  @discardableResult
  public func shutdown(limit: Duration = .seconds(10)) async -> GuestEnd {
    if let end = hub.end { return end }
    let domain = domain
    let hub = hub
    let (ends, news) = AsyncStream<GuestEnd?>.makeStream()
    Task {
      // It waits for the agent's answer, at times for a minute, so it gets a queue of its own.
      let result = try? await BlockingQueue("crossbar.guest.shutdown").run {
        () throws(HypervisorError) in
        virDomainShutdownFlags(domain.pointer, VIR_DOMAIN_SHUTDOWN_GUEST_AGENT.rawValue)
      }
      // A guest without an agent, or whose agent can't, needn't be waited for.
      if result != 0 { news.yield(await hub.end(within: .seconds(1))) }
    }
    let listener = Task { for await case .ended(let end) in hub.events() { news.yield(end) } }
    let end = await within(limit) { () -> GuestEnd? in
      for await end in ends { return end }
      return nil
    }
    listener.cancel()
    if case .some(.some(let end)) = end { return end }
    return await destroy()
  }

  /// Ends the guest at once, like pulling the plug. What it had flushed is in its images.
  @discardableResult
  public func destroy() async -> GuestEnd {
    let life = life
    _ = try? await control.run { () throws(HypervisorError) in life.destroy() }
    // The end is on its way: it waits only for the console to be read.
    return await hub.end(within: .seconds(10)) ?? GuestEnd(cause: .destroyed)
  }

  var qemuLog: String { description.logs.qemu }
}
