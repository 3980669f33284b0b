// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// The fault injection that is in force, and what it has counted.
final class InjectionState: Sendable {
  private struct Plan {
    var injection: FaultInjection
    var counts: [FaultInjection.Switch: UInt64] = [:]
    var generator: SplitMix64
  }

  private let plan: Mutex<Plan>
  /// Whether any switch is on: then, and only then, the lock is worth taking.
  private let active: Atomic<Bool>

  init(_ injection: FaultInjection) {
    plan = Mutex(Plan(injection: injection, generator: SplitMix64(injection.seed)))
    active = Atomic(!injection.switches.isEmpty)
  }

  @inline(__always)
  var isActive: Bool { active.load(ordering: .relaxed) }

  /// Puts another injection in force, which counts from now on; or, `resuming`, goes on with what it
  /// leaves as it was.
  func replace(_ injection: FaultInjection, resuming: Bool) {
    plan.withLock { plan in
      let former = plan
      plan = Plan(injection: injection, generator: SplitMix64(injection.seed))
      if resuming {
        plan.counts = former.counts.filter { found, _ in
          former.injection.switches[found] == injection.switches[found]
        }
        if former.injection.seed == injection.seed { plan.generator = former.generator }
      }
      active.store(!injection.switches.isEmpty, ordering: .relaxed)
    }
  }

  /// Counts one event of a counted switch and says whether it is to go wrong.
  @inline(__always)
  func strikes(_ found: FaultInjection.Switch) -> Bool {
    isActive && counts(found)
  }

  /// Milliseconds of a switch, 0 if it is off.
  func milliseconds(_ found: FaultInjection.Switch) -> UInt64 {
    isActive ? plan.withLock { $0.injection.switches[found] ?? 0 } : 0
  }

  /// Whether a switch that counts nothing is on.
  func holds(_ found: FaultInjection.Switch) -> Bool {
    isActive && plan.withLock { $0.injection.switches[found] != nil }
  }

  /// A number of the seeded generator.
  func random() -> UInt64 { plan.withLock { $0.generator.next() } }

  private func counts(_ found: FaultInjection.Switch) -> Bool {
    plan.withLock { plan in
      guard let wanted = plan.injection.switches[found] else { return false }
      let count = plan.counts[found, default: 0] &+ 1
      plan.counts[found] = count
      return wanted == 0 || wanted == count
    }
  }
}
