// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Hypervisor

@Suite struct EventHubTests {
  private static let end = GuestEvent.ended(GuestEnd(cause: .poweredOff))

  @Test func tellsWhatHappenedBefore() async {
    let hub = EventHub()
    hub.publish(.started)
    let events = hub.events()
    hub.publish(.agent(connected: true))
    hub.publish(Self.end)
    #expect(await collect(events) == [.started, .agent(connected: true), Self.end])
    #expect(await collect(hub.events()) == [.started, .agent(connected: true), Self.end])
  }

  @Test func neverLeavesOutTheEnd() async {
    let hub = EventHub()
    hub.publish(.started)
    hub.publish(Self.end)
    #expect(await collect(hub.events(fromNow: true)) == [Self.end])
  }

  @Test func tellsNothingAfterTheEnd() async {
    let hub = EventHub()
    hub.publish(Self.end)
    hub.publish(.started)
    hub.publish(.ended(GuestEnd(cause: .died)))
    #expect(await collect(hub.events()) == [Self.end])
    #expect(hub.end?.cause == .poweredOff)
  }

  @Test func boundsAnAgentThatComesAndGoes() async {
    let hub = EventHub()
    for round in 0..<20_000 { hub.publish(.agent(connected: round % 2 == 0)) }
    hub.publish(Self.end)
    #expect(await collect(hub.events()).count < 5000)
  }

  @Test func doesNotTellThatAnAgentIsGoneThatNeverCame() async {
    let hub = EventHub()
    hub.publish(.agent(connected: false))
    hub.publish(Self.end)
    #expect(await collect(hub.events()) == [Self.end])
  }

  @Test func knowsAPanicBeforeTheEnd() {
    let hub = EventHub()
    #expect(hub.endOrPanic == nil)
    hub.publish(.finding(ConsoleFinding(kind: .panic, line: 3, text: "Kernel panic")))
    #expect(hub.end == nil)
    #expect(hub.endOrPanic?.panic?.line == 3)
  }

  private func collect(_ events: AsyncStream<GuestEvent>) async -> [GuestEvent] {
    var all: [GuestEvent] = []
    for await event in events { all.append(event) }
    return all
  }
}
