// SPDX-License-Identifier: Apache-2.0

import CDeviceABI
import Synchronization

/// The engine's end of the fault ring, for all address spaces.
final class FaultRing: Sendable {
  private struct State {
    var head: UInt32 = 0
    var sequence: UInt64 = 0
  }

  private let control: ControlPage
  private let state = Mutex(State())

  init(_ control: ControlPage) {
    self.control = control
  }

  /// A number that no other fault has, never 0.
  func nextSequence() -> UInt64 {
    state.withLock { state in
      state.sequence &+= 1
      return state.sequence
    }
  }

  /// Puts a fault on the ring, after `record` for it. False if there is no room: the guest is slow,
  /// or its tail is nonsense.
  func put(_ fault: crossbar_gpu_fault, record: () -> Void) -> Bool {
    state.withLock { state in
      guard state.head &- control.faultTail < CROSSBAR_GPU_FAULT_ENTRIES else { return false }
      record()
      control.setFault(fault, state.head)
      state.head &+= 1
      control.setFaultHead(state.head)
      return true
    }
  }

  /// Empties the ring.
  func reset() {
    state.withLock { state in
      state.head = control.faultTail
      control.setFaultHead(state.head)
    }
  }
}
