// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Hands each guest event to every listener, those of the past included.
///
/// The history is bounded: the console bounds its findings, and here the agent's comings and goings
/// are bounded, because a hostile guest can have as many as it likes. Those of the program channel
/// are told to who listens, and forgotten.
final class EventHub: Sendable {
  private struct State {
    var history: [GuestEvent] = []
    var listeners: [Int: AsyncStream<GuestEvent>.Continuation] = [:]
    var next = 0
    var end: GuestEnd?
    var panic: ConsoleFinding?
    var agentConnected = false
    var agentEvents = 0
  }

  private static let agentEventLimit = 4096
  private let state = Mutex(State())

  /// Listeners that have left. They say so with their task's lock held, which whoever tells them
  /// something takes under the hub's lock: so they must not wait for that one.
  private let left = Mutex<Set<Int>>([])

  /// The end of the guest, once it has ended.
  var end: GuestEnd? { state.withLock { $0.end } }

  /// The end of the guest, also when it has only panicked and QEMU is about to end.
  var endOrPanic: GuestEnd? {
    state.withLock { state in
      state.end ?? state.panic.map { GuestEnd(cause: .poweredOff, panic: $0) }
    }
  }

  /// Tells everyone. After `.ended` nothing more is told.
  func publish(_ event: GuestEvent) {
    let finished = state.withLock { state -> [AsyncStream<GuestEvent>.Continuation] in
      guard state.end == nil else { return [] }
      switch event {
      case .agent(let connected):
        // libvirt also tells that it isn't connected before it ever was.
        guard connected != state.agentConnected else { return [] }
        state.agentConnected = connected
        state.agentEvents += 1
        if state.agentEvents > Self.agentEventLimit { return [] }
        state.history.append(event)
      case .ended(let end):
        state.end = end
        state.history.append(event)
      case .finding(let finding):
        if state.panic == nil, finding.kind == .panic { state.panic = finding }
        state.history.append(event)
      case .started: state.history.append(event)
      case .programChannel: break
      }
      forgetThoseWhoLeft(&state)
      for listener in state.listeners.values { listener.yield(event) }
      guard state.end != nil else { return [] }
      defer { state.listeners.removeAll() }
      return Array(state.listeners.values)
    }
    for listener in finished { listener.finish() }
    if !finished.isEmpty { left.withLock { $0.removeAll() } }
  }

  private func forgetThoseWhoLeft(_ state: inout State) {
    let numbers = left.withLock { left in
      defer { left.removeAll() }
      return left
    }
    for number in numbers { state.listeners.removeValue(forKey: number) }
  }

  /// Everything that will happen and, unless `fromNow`, everything that happened. The end of the
  /// guest is never left out.
  func events(fromNow: Bool = false) -> AsyncStream<GuestEvent> {
    AsyncStream { continuation in
      let number = state.withLock { state -> Int? in
        if !fromNow {
          for event in state.history { continuation.yield(event) }
        } else if let end = state.end {
          continuation.yield(.ended(end))
        }
        guard state.end == nil else { return nil }
        forgetThoseWhoLeft(&state)
        state.next += 1
        state.listeners[state.next] = continuation
        return state.next
      }
      guard let number else { return continuation.finish() }
      continuation.onTermination = { [weak self] _ in
        self?.left.withLock { _ = $0.insert(number) }
      }
    }
  }
}
