// SPDX-License-Identifier: Apache-2.0

import Foundation
import Synchronization
import Testing

@testable import Hypervisor

@Suite struct EventHubTests {
  private final class Flag: Sendable {
    private let up = Atomic(false)
    var isUp: Bool { up.load(ordering: .acquiring) }
    func raise() { up.store(true, ordering: .releasing) }
  }

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

  /// One of them holds the lock of its task, the other one the hub's, and both want both. Whoever
  /// waits for a lock can't be cancelled, so nobody waits for those two.
  @Test func listenersMayLeaveWhileTheyAreTold() async throws {
    let hub = EventHub()
    let done = Flag()
    Thread {
      while hub.end == nil {
        hub.publish(.programChannel(open: true))
        sched_yield()
      }
    }.start()
    Task.detached {
      for _ in 0..<400 {
        let heard = Flag()
        let listener = Task.detached {
          for await _ in hub.events(fromNow: true) { heard.raise() }
        }
        // Cancelled before it listens, it would have nothing to leave.
        while !heard.isUp { await Task.yield() }
        listener.cancel()
        await listener.value
      }
      hub.publish(Self.end)
      done.raise()
    }
    let start = ContinuousClock.now
    while !done.isUp, ContinuousClock.now - start < .seconds(60) {
      try await Task.sleep(for: .milliseconds(20))
    }
    #expect(done.isUp, "they wait for each other")
  }
}
