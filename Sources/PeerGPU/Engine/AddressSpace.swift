// SPDX-License-Identifier: Apache-2.0

import CDeviceABI
import Glibc

/// A bound address space: its commands, its TLB, its one unanswered fault, and the gate that every
/// run of a DMA goes through.
///
/// The engine thread translates and moves data only between ``enter()`` and ``leave()``; who drops
/// TLB entries waits until it is outside. So nothing that an invalidation names is under way once
/// ``invalidate(first:last:)`` has returned. After ``cancel()`` the gate never opens again.
///
/// `@unchecked Sendable`: all state is only touched with `monitor` held, but for `translator`,
/// which is also the engine thread's while it is in the gate.
final class AddressSpace: @unchecked Sendable {
  let number: UInt32
  let translator: Translator
  private let context: DeviceContext
  private let monitor = Monitor()

  private var inGate = false
  private var intruders = 0
  private var paused = false
  private var cancelled = false

  private var queue: [crossbar_gpu_command] = []
  private var next = 0
  private var lastFence: UInt64 = 0
  private var underWay: UInt32 = 0

  private var unanswered: UInt64 = 0
  private var reply: UInt32?

  init(_ number: UInt32, root: UInt64, context: DeviceContext) {
    self.number = number
    self.context = context
    let memory = context.memory.window
    translator = Translator(
      memory: memory, walker: PageTableWalker(memory: memory, root: root),
      buffer: TranslationBuffer())
    queue.reserveCapacity(Int(CROSSBAR_GPU_DEPTH))
  }

  // MARK: The engine thread's side

  /// Opens the gate for one run; false if the address space has come to its end.
  func enter() -> Bool {
    monitor.locked {
      while intruders > 0 || paused, !cancelled { monitor.wait() }
      inGate = !cancelled
      return inGate
    }
  }

  /// Ends the run.
  func leave() {
    monitor.locked {
      inGate = false
      if intruders > 0 { monitor.broadcast() }
    }
  }

  /// Waits for a command; nil if the address space has come to its end.
  func nextCommand() -> crossbar_gpu_command? {
    monitor.locked {
      while next == queue.count || paused, !cancelled { monitor.wait() }
      guard !cancelled else { return nil }
      let command = queue[next]
      next += 1
      if next == queue.count {
        queue.removeAll(keepingCapacity: true)
        next = 0
      }
      return command
    }
  }

  /// Signals a command's fence, unless the address space has come to its end.
  func finish(
    _ result: crossbar_gpu_result, of command: crossbar_gpu_command, digest: PayloadDigest?
  ) {
    let lost = context.injection.strikes(.loseFence)
    let signalled = monitor.locked {
      while paused, !cancelled { monitor.wait() }
      guard !cancelled else { return false }
      underWay &-= 1
      guard !lost else { return false }
      context.log.fence(number, result, of: command, digest: digest)
      context.control.complete(number, result)
      return true
    }
    guard signalled else { return }
    context.statistics.commands.increment()
    context.interrupt(CROSSBAR_GPU_IRQ_FENCE)
  }

  /// Raises a fault and waits for its answer: 0 to go on, or the command's error; nil if the address
  /// space has come to its end.
  func answer(to fault: crossbar_gpu_fault) -> UInt32? {
    var fault = fault
    fault.address_space = number
    fault.sequence = context.faults.nextSequence()
    let put = monitor.locked {
      while !cancelled {
        if !paused {
          unanswered = fault.sequence
          reply = nil
          if context.faults.put(fault, record: { context.log.fault(fault) }) { return true }
          unanswered = 0
        }
        // No doorbell says that the guest has made room.
        monitor.wait(until: MonotonicTime.now.advanced(milliseconds: 1))
      }
      return false
    }
    guard put else { return nil }
    context.statistics.faults.increment()
    context.interrupt(CROSSBAR_GPU_IRQ_FAULT)
    return monitor.locked {
      while reply == nil, !cancelled { monitor.wait() }
      unanswered = 0
      return cancelled ? nil : reply
    }
  }

  /// Waits for some microseconds; false if the address space has come to its end.
  func sleep(microseconds: UInt64) -> Bool {
    let deadline = MonotonicTime.now.advanced(microseconds: microseconds)
    return monitor.locked {
      while !cancelled, .now < deadline { monitor.wait(until: deadline) }
      return !cancelled
    }
  }

  /// The engine thread meets something that stops the address space; it is outside of the gate.
  func stopFromInside(_ error: DeviceError, _ text: String) {
    monitor.locked {
      guard !cancelled else { return }
      cancelled = true
      publish(error, text)
    }
    context.interrupt(CROSSBAR_GPU_IRQ_FENCE)
  }

  // MARK: The dispatcher's side

  /// Takes a command; an error if it is one that stops the address space.
  func submit(_ command: crossbar_gpu_command) -> DeviceError? {
    monitor.locked {
      guard !cancelled else { return nil }
      guard Opcode(rawValue: command.opcode) != nil else { return .badOpcode }
      guard command.fence == lastFence &+ 1 else { return .badFence }
      guard underWay < CROSSBAR_GPU_DEPTH else { return .tooMany }
      underWay &+= 1
      lastFence = command.fence
      // The part that was taken goes before the array grows beyond the depth.
      if queue.count == Int(CROSSBAR_GPU_DEPTH) {
        queue.removeFirst(next)
        next = 0
      }
      queue.append(command)
      monitor.broadcast()
      return nil
    }
  }

  /// Forgets TLB entries of the pages `first` to `last`. When it returns, no run that used one of
  /// them is under way.
  func invalidate(first: UInt64, last: UInt64) {
    monitor.locked {
      intruders += 1
      while inGate { monitor.wait() }
      translator.buffer.drop(first: first, last: last)
      intruders -= 1
      monitor.broadcast()
    }
  }

  /// Hands over the driver's answer to the unanswered fault; false if it isn't that one's.
  func handOver(_ sequence: UInt64, error: UInt32) -> Bool {
    monitor.locked {
      if cancelled { return true }
      guard unanswered != 0, sequence == unanswered, reply == nil else { return false }
      context.log.reply(number, sequence: sequence, error: error)
      reply = error
      monitor.broadcast()
      return true
    }
  }

  /// Nothing goes on until ``cancel()``.
  func pause() {
    monitor.locked { paused = true }
  }

  /// Forgets the commands and closes the gate. A run may be under way until the engine thread has
  /// ended.
  func cancel() {
    monitor.locked {
      cancelled = true
      monitor.broadcast()
    }
  }

  /// Stops the address space for a bad entry. No run is under way when it returns.
  func stop(_ error: DeviceError, _ text: String) {
    monitor.locked {
      guard !cancelled else { return }
      cancelled = true
      monitor.broadcast()
      intruders += 1
      while inGate { monitor.wait() }
      intruders -= 1
      publish(error, text)
    }
    context.interrupt(CROSSBAR_GPU_IRQ_FENCE)
  }

  private func publish(_ error: DeviceError, _ text: String) {
    context.report(error, number, text)
    context.control.setFenceError(number, error.rawValue)
  }
}
