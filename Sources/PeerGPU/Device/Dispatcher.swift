// SPDX-License-Identifier: Apache-2.0

import CDeviceABI
import Glibc
import Synchronization

/// Listens to the doorbells and serves the rings: resets first, then control requests, then
/// commands, which go to the engine thread of their address space.
///
/// Rings are looked at when their doorbell rings, and only then: a doorbell that is lost stays lost.
///
/// `@unchecked Sendable`: all state is the dispatcher thread's, but for `stopping`.
final class Dispatcher: @unchecked Sendable {
  /// An address space and the thread of its engine; without one it was stopped at once.
  private struct Slot {
    let space: AddressSpace
    let thread: WorkerThread?
  }

  /// An invalidation that takes effect after its acknowledgment, by fault injection.
  private struct Late {
    let deadline: MonotonicTime
    let space: AddressSpace
    let first: UInt64
    let last: UInt64
  }

  private let context: DeviceContext
  private let doorbells: [EventDescriptor]
  private let wake: EventDescriptor
  private let stopping = Atomic(false)
  private var slots: [Slot?]
  private var late: [Late] = []
  private var controlTail: UInt32 = 0
  /// The request at `controlTail` has been served, but not acknowledged.
  private var isServed = false
  private var commandTail: UInt32 = 0
  private var resetDone: UInt32 = 0
  private var stalled = false

  /// - Parameter doorbells: the engine's, by vector.
  init(context: DeviceContext, doorbells: [EventDescriptor]) throws(PeerGPUError) {
    self.context = context
    self.doorbells = doorbells
    wake = try EventDescriptor()
    slots = Array(repeating: nil, count: Int(CROSSBAR_GPU_ADDRESS_SPACES))
  }

  /// Asks ``run()`` to end. From any thread.
  func stop() {
    stopping.store(true, ordering: .releasing)
    wake.signal()
  }

  /// Serves until ``stop()``.
  func run() {
    context.control.setState(CROSSBAR_GPU_RUNNING)
    while wait() {
      runLate()
      if take(CROSSBAR_GPU_BELL_RESET) { reset() }
      // The doorbell of what is left has been heard already.
      if isServed { serveControl() }
      serveControlBell()
      // Commands last: what was rung before them is served before them.
      if hears(CROSSBAR_GPU_BELL_COMMAND) { serveCommands() }
    }
    end()
    context.control.setState(CROSSBAR_GPU_STOPPED)
  }

  // MARK: Doorbells

  /// Waits for a doorbell or for a late invalidation's time; false to end.
  private func wait() -> Bool {
    let deadline = late.map(\.deadline).min()
    poll(doorbells + [wake], milliseconds: deadline.map { max(1, $0.millisecondsLeft) } ?? -1)
    return !stopping.load(ordering: .acquiring)
  }

  @discardableResult
  private func poll(_ events: [EventDescriptor], milliseconds: CInt) -> Bool {
    var polled = events.map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) }
    return Glibc.poll(&polled, nfds_t(polled.count), milliseconds) > 0
  }

  /// Waits some milliseconds; false if a reset or the end comes first.
  private func sleep(milliseconds: UInt64) -> Bool {
    guard milliseconds > 0 else { return true }
    let deadline = MonotonicTime.now.advanced(milliseconds: milliseconds)
    let events = [wake, doorbells[Int(CROSSBAR_GPU_BELL_RESET)]]
    return !poll(events, milliseconds: deadline.millisecondsLeft)
  }

  private func take(_ bell: Int32) -> Bool {
    let count = doorbells[Int(bell)].take()
    context.statistics.doorbells.increment(by: count)
    return count > 0
  }

  /// Whether a doorbell has rung and is to be served.
  private func hears(_ bell: Int32) -> Bool {
    guard take(bell), !context.injection.strikes(.dropDoorbell), !stalled else { return false }
    return sleep(milliseconds: context.injection.milliseconds(.delayDoorbell))
  }

  private func serveControlBell() {
    if hears(CROSSBAR_GPU_BELL_CONTROL) { serveControl() }
  }

  // MARK: Control ring

  private func serveControl() {
    let head = context.control.controlHead
    guard head &- controlTail <= CROSSBAR_GPU_CONTROL_ENTRIES else {
      context.report(.badIndex, .max, "control_head is too far from control_tail")
      return
    }
    guard controlTail != head else { return }
    while controlTail != head {
      if !isServed { serve(context.control.request(controlTail), index: controlTail) }
      // After an interrupted wait nothing is acknowledged: the reset or the end is next, or, if it was
      // a doorbell that came too late for its reset, the acknowledgment of what has been served.
      isServed = true
      guard sleep(milliseconds: context.injection.milliseconds(.delayAcknowledgment)) else {
        return
      }
      isServed = false
      controlTail &+= 1
      context.control.setControlTail(controlTail)
    }
    context.interrupt(CROSSBAR_GPU_IRQ_CONTROL)
  }

  private func serve(_ request: crossbar_gpu_request, index: UInt32) {
    let number = request.address_space
    guard number < CROSSBAR_GPU_ADDRESS_SPACES else {
      context.report(.badAddressSpace, number, "control request \(request.opcode)")
      return
    }
    let slot = slots[Int(number)]
    switch (request.opcode, slot) {
    case (CROSSBAR_GPU_BIND.rawValue, nil):
      bind(number, root: request.address)
    case (CROSSBAR_GPU_BIND.rawValue, let slot?):
      slot.space.stop(.badAddressSpace, "bound twice")
    case (CROSSBAR_GPU_UNBIND.rawValue, let slot?):
      slot.space.cancel()
      slot.thread?.join()
      slots[Int(number)] = nil
      context.log.unbind(number)
    case (CROSSBAR_GPU_INVALIDATE.rawValue, let slot?):
      invalidate(slot.space, request, index)
    case (CROSSBAR_GPU_FAULT_REPLY.rawValue, let slot?):
      if !slot.space.handOver(request.address, error: request.error) {
        slot.space.stop(.badReply, "reply to fault \(request.address)")
      }
    case (_, let slot?):
      slot.space.stop(.badOpcode, "control request \(request.opcode)")
    case (_, nil):
      context.report(.badAddressSpace, number, "control request \(request.opcode), not bound")
    }
  }

  private func bind(_ number: UInt32, root: UInt64) {
    let space = AddressSpace(number, root: root, context: context)
    context.log.bind(number)
    context.control.setCompleted(number, 0)
    context.control.setFenceError(number, 0)
    guard PageTableWalker.accepts(table: root, in: context.memory.window) else {
      slots[Int(number)] = Slot(space: space, thread: nil)
      space.stop(.badRoot, "the root table lies outside of the heap")
      return
    }
    let thread = try? WorkerThread("gpu-engine-\(number)") { [context] in
      var runner = CommandRunner(space: space, context: context)
      runner.run()
    }
    slots[Int(number)] = Slot(space: space, thread: thread)
    // No more threads: the address space is there, and says that nothing will come of it.
    if thread == nil { space.stop(.tooMany, "no thread for its engine") }
  }

  private func invalidate(_ space: AddressSpace, _ request: crossbar_gpu_request, _ index: UInt32) {
    context.statistics.invalidations.increment()
    let injection = context.injection
    let (first, last) = Self.pages(request.address, request.length)
    let lateness = injection.milliseconds(.lateInvalidation)
    if lateness > 0 {
      let deadline = MonotonicTime.now.advanced(milliseconds: lateness)
      late.append(Late(deadline: deadline, space: space, first: first, last: last))
    } else if !injection.strikes(.ignoreInvalidation) {
      space.invalidate(first: first, last: last)
    }
    context.log.invalidate(space.number, request, index: index)
  }

  /// Page numbers of a range, all of them for an empty range at 0.
  private static func pages(_ address: UInt64, _ length: UInt64) -> (UInt64, UInt64) {
    let shift = UInt64(CROSSBAR_GPU_PAGE_SHIFT)
    let (end, overflow) = address.addingReportingOverflow(length == 0 ? 0 : length - 1)
    if address == 0 && length == 0 || overflow { return (address >> shift, .max >> shift) }
    return (address >> shift, end >> shift)
  }

  private func runLate() {
    guard !late.isEmpty else { return }
    let now = MonotonicTime.now
    for one in late where one.deadline <= now {
      one.space.invalidate(first: one.first, last: one.last)
    }
    late.removeAll { $0.deadline <= now }
  }

  // MARK: Command ring

  private func serveCommands() {
    let head = context.control.commandHead
    // A request that was made before one of these commands has rung by now.
    serveControlBell()
    guard head &- commandTail <= CROSSBAR_GPU_COMMAND_ENTRIES else {
      context.report(.badIndex, .max, "command_head is too far from command_tail")
      return
    }
    while commandTail != head {
      if context.injection.strikes(.stall) {
        stall()
        return
      }
      let command = context.control.command(commandTail)
      commandTail &+= 1
      submit(command)
    }
    context.control.setCommandTail(commandTail)
  }

  private func submit(_ command: crossbar_gpu_command) {
    let number = command.address_space
    guard number < CROSSBAR_GPU_ADDRESS_SPACES, let slot = slots[Int(number)] else {
      context.report(.badAddressSpace, number, "command for an address space that is not bound")
      return
    }
    if let error = slot.space.submit(command) {
      slot.space.stop(error, "opcode \(command.opcode), fence \(command.fence)")
    }
  }

  private func stall() {
    stalled = true
    for slot in slots { slot?.space.pause() }
    context.control.setState(CROSSBAR_GPU_STALLED)
  }

  // MARK: Ends

  private func reset() {
    let request = context.control.resetRequest
    guard request != resetDone else { return }
    end()
    isServed = false
    controlTail = context.control.controlHead
    context.control.setControlTail(controlTail)
    commandTail = context.control.commandHead
    context.control.setCommandTail(commandTail)
    context.faults.reset()
    context.clearErrors()
    stalled = false
    context.control.setState(CROSSBAR_GPU_RUNNING)
    context.statistics.resets.increment()
    context.log.reset()
    resetDone = request
    context.control.setResetDone(request)
    context.interrupt(CROSSBAR_GPU_IRQ_CONTROL)
  }

  /// Ends all address spaces. No DMA is under way afterwards.
  private func end() {
    for slot in slots { slot?.space.cancel() }
    for slot in slots { slot?.thread?.join() }
    slots = Array(repeating: nil, count: slots.count)
    late = []
  }
}
