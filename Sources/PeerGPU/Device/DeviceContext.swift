// SPDX-License-Identifier: Apache-2.0

import CDeviceABI
import Synchronization

/// What the device's threads share.
final class DeviceContext: Sendable {
  let memory: VideoMemory
  let control: ControlPage
  let log: AccessLog
  let statistics = Statistics()
  let injection: InjectionState
  let faults: FaultRing
  /// Whether fences in the access log have digests of what their commands moved.
  let digestsPayload: Bool
  /// Held for a read-modify-write over the bus, which has no atomic operation.
  let busAtomics = Mutex(())
  private let interrupts: [EventDescriptor]
  private let portTable = Mutex(PortTable([]))
  private let firstError = Mutex<UInt32>(0)

  init(
    memory: VideoMemory, interrupts: [EventDescriptor], log: AccessLog, injection: FaultInjection,
    digestsPayload: Bool
  ) {
    self.memory = memory
    self.interrupts = interrupts
    self.log = log
    self.digestsPayload = digestsPayload
    self.injection = InjectionState(injection)
    control = ControlPage(memory.window)
    faults = FaultRing(control)
  }

  /// What bus addresses lead to.
  var ports: PortTable {
    get { portTable.withLock { $0 } }
    set { portTable.withLock { $0 = newValue } }
  }

  /// Raises an interrupt of the guest's, `CROSSBAR_GPU_IRQ_*`.
  func interrupt(_ vector: Int32) {
    statistics.interrupts.increment()
    let index = Int(vector)
    if interrupts.indices.contains(index) { interrupts[index].signal() }
  }

  /// Records a bad entry. `space` is what the entry said, whatever that is.
  func report(_ error: DeviceError, _ space: UInt32, _ text: String) {
    statistics.errors.increment()
    log.error(space, error, text)
    firstError.withLock { first in
      guard first == 0 else { return }
      first = error.rawValue
      control.setFirstError(error.rawValue, space)
    }
  }

  /// Forgets the first error.
  func clearErrors() {
    firstError.withLock { first in
      first = 0
      control.setFirstError(0, 0)
    }
  }
}
