// SPDX-License-Identifier: Apache-2.0

import CLibvirt
import Foundation
import Testing

@testable import Hypervisor

@Suite struct GuestLifeTests {
  @Test(
    arguments: [
      (VIR_DOMAIN_EVENT_STOPPED_SHUTDOWN, .poweredOff), (VIR_DOMAIN_EVENT_STOPPED_FAILED, .died),
      (VIR_DOMAIN_EVENT_STOPPED_CRASHED, .died), (VIR_DOMAIN_EVENT_STOPPED_DESTROYED, .destroyed),
    ] as [(virDomainEventStoppedDetailType, GuestEnd.Cause)])
  func namesTheEnd(detail: virDomainEventStoppedDetailType, cause: GuestEnd.Cause) async throws {
    try await Fixtures.withDirectory { directory in
      let life = try GuestLife(consolePath: directory + "/console.log") {}
      stop(life, detail)
      #expect(await life.hub.end(within: .seconds(5)) == GuestEnd(cause: cause))
    }
  }

  @Test(
    arguments: [
      (.poweredOff, .guestEnded), (.flooded, .guestEnded), (.floodedLogs, .guestEnded),
      (.fullDisk, .emulatorEnded),
      (.died, .emulatorEnded), (.destroyed, .emulatorEnded),
    ] as [(GuestEnd.Cause, HypervisorError.Kind)])
  func tellsTheGuestsOwnDoingFromQEMUs(cause: GuestEnd.Cause, kind: HypervisorError.Kind) {
    #expect(GuestEnd(cause: cause).error(attempt: "run it", log: "q").kind == kind)
    let panic = ConsoleFinding(kind: .panic, line: 1, text: "x")
    let end = GuestEnd(cause: cause, panic: panic)
    #expect(end.error(attempt: "run it", log: "q").kind == .guestPanicked)
  }

  @Test func aSignalThatQEMUObeysIsNotTheGuestsDoing() async throws {
    try await Fixtures.withDirectory { directory in
      let life = try GuestLife(consolePath: directory + "/console.log") {}
      life.lifecycle(
        event: Int32(bitPattern: VIR_DOMAIN_EVENT_SHUTDOWN.rawValue),
        detail: Int32(bitPattern: VIR_DOMAIN_EVENT_SHUTDOWN_HOST.rawValue))
      stop(life, VIR_DOMAIN_EVENT_STOPPED_SHUTDOWN)
      #expect(await life.hub.end(within: .seconds(5)) == GuestEnd(cause: .died))
    }
  }

  @Test func aShutdownFromInsideIsTheGuestsDoing() async throws {
    try await Fixtures.withDirectory { directory in
      let life = try GuestLife(consolePath: directory + "/console.log") {}
      life.lifecycle(
        event: Int32(bitPattern: VIR_DOMAIN_EVENT_SHUTDOWN.rawValue),
        detail: Int32(bitPattern: VIR_DOMAIN_EVENT_SHUTDOWN_GUEST.rawValue))
      stop(life, VIR_DOMAIN_EVENT_STOPPED_SHUTDOWN)
      #expect(await life.hub.end(within: .seconds(5)) == GuestEnd(cause: .poweredOff))
    }
  }

  @Test func readsTheConsoleToItsEndBeforeItSaysHowItEnded() async throws {
    try await Fixtures.withDirectory { directory in
      let path = directory + "/console.log"
      let life = try GuestLife(consolePath: path) {}
      // A panic resets the guest: libvirt sees a shutdown. Without an end, a line is read last.
      try Data("x\nKernel panic - not syncing: y".utf8).write(to: URL(fileURLWithPath: path))
      stop(life, VIR_DOMAIN_EVENT_STOPPED_SHUTDOWN)
      let end = try #require(await life.hub.end(within: .seconds(5)))
      #expect(end.panic?.text == "Kernel panic - not syncing: y")
      #expect(end.error(attempt: "run it", log: "q").kind == .guestPanicked)
    }
  }

  @Test func hearsOnlyOfTheProgramPort() async throws {
    try await Fixtures.withDirectory { directory in
      let life = try GuestLife(consolePath: directory + "/console.log") {}
      let events = life.hub.events()
      life.portChanged(details: "{\"open\":true,\"id\":\"ua-agent\"}")
      life.portChanged(details: "nonsense")
      life.portChanged(details: "{\"open\":true,\"id\":\"ua-program\"}")
      stop(life, VIR_DOMAIN_EVENT_STOPPED_SHUTDOWN)
      var all: [GuestEvent] = []
      for await event in events { all.append(event) }
      #expect(all == [.programChannel(open: true), .ended(GuestEnd(cause: .poweredOff))])
    }
  }

  private func stop(_ life: GuestLife, _ detail: virDomainEventStoppedDetailType) {
    life.lifecycle(
      event: Int32(bitPattern: VIR_DOMAIN_EVENT_STOPPED.rawValue),
      detail: Int32(bitPattern: detail.rawValue))
  }
}
