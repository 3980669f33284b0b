// SPDX-License-Identifier: Apache-2.0

import CDeviceABI
import CPeerGPU
import Foundation
import Glibc
import PeerGPU

/// The guest's driver without a guest: connects as QEMU does, then writes rings and page tables and
/// rings doorbells as the kernel's driver does. For tests of the engine and for its benchmark.
///
/// Thread-safe but for ``PageTables``.
public final class SimulatedDriver: @unchecked Sendable {
  /// BAR 2.
  public let memory: SharedWindow
  /// The constant part of the control page.
  public let control: crossbar_gpu_control
  /// Milliseconds that anything may take.
  public var timeout = 5000
  private let client: IvshmemClient
  private let doorbells: [CInt]
  private let interrupts: [CInt]
  private let ring = NSLock()
  private let commands = NSLock()
  private let heap = NSLock()
  private var heapNext: UInt64
  private var heapEnd: UInt64
  private var lastFence = [UInt64](repeating: 0, count: 32)
  private var faultThread: Thread?
  private var faultStop = false

  /// Connects to the server at `path` and checks the control page.
  public init(path: String) throws {
    client = try IvshmemClient(path: path)
    var messages: [IvshmemClient.Message] = []
    while messages.count < 3 + 2 * Int(CROSSBAR_GPU_VECTORS), let message = client.receive() {
      messages.append(message)
    }
    guard messages.count == 9, messages[0].number == 0,
      messages[1].number == Int64(CROSSBAR_GPU_PEER_GUEST), messages[2].number == -1
    else { throw DriverError("the server said \(messages)") }
    doorbells = messages.filter { $0.descriptor >= 0 && $0.number == 0 }.map(\.descriptor)
    interrupts = messages.filter { $0.descriptor >= 0 && $0.number == 1 }.map(\.descriptor)
    var status = stat()
    fstat(messages[2].descriptor, &status)
    let size = Int(status.st_size)
    guard
      let base = mmap(
        nil, size, PROT_READ | PROT_WRITE, MAP_SHARED, messages[2].descriptor, 0),
      base != MAP_FAILED
    else { throw DriverError("BAR 2 can't be mapped") }
    close(messages[2].descriptor)
    memory = SharedWindow(base: base, size: size)
    control = base.load(as: crossbar_gpu_control.self)
    heapNext = control.heap_offset
    heapEnd = control.heap_offset + control.heap_size
    guard control.magic == CROSSBAR_GPU_MAGIC, control.abi_version == CROSSBAR_GPU_ABI_VERSION,
      control.features & CROSSBAR_GPU_FEATURE_ENGINE != 0
    else { throw DriverError("not the control page of an engine") }
  }

  deinit {
    munmap(memory.base, memory.size)
    for descriptor in doorbells + interrupts { close(descriptor) }
  }

  // MARK: Memory

  /// Offset of zeroed pages of the heap, `size` bytes rounded up. Never given back.
  public func allocate(_ size: Int = 4096) -> UInt64 {
    heap.withLock {
      let offset = heapNext
      let bytes = UInt64((size + 4095) / 4096 * 4096)
      precondition(bytes <= heapEnd - heapNext, "the simulated driver's heap is used up")
      heapNext += bytes
      memset(memory.base + Int(offset), 0, Int(bytes))
      return offset
    }
  }

  /// Empty page tables.
  public func pageTables() -> PageTables {
    PageTables(memory: memory) { self.allocate() }
  }

  // MARK: Registers

  /// Rings one of the engine's doorbells.
  public func ring(_ bell: Int32) { eventfd_write(doorbells[Int(bell)], 1) }

  /// Waits until an interrupt has come since the last call; false after the timeout.
  @discardableResult
  public func waitForInterrupt(_ vector: Int32, milliseconds: Int? = nil) -> Bool {
    var polled = pollfd(fd: interrupts[Int(vector)], events: Int16(POLLIN), revents: 0)
    guard poll(&polled, 1, CInt(milliseconds ?? timeout)) > 0 else { return false }
    var count: eventfd_t = 0
    eventfd_read(interrupts[Int(vector)], &count)
    return true
  }

  /// A 32-bit field of the control page.
  public func load(_ field: KeyPath<crossbar_gpu_control, UInt32>) -> UInt32 {
    crossbar_load32(memory.base + (MemoryLayout<crossbar_gpu_control>.offset(of: field) ?? 0))
  }

  /// Writes a 32-bit field of the control page.
  public func store(_ field: KeyPath<crossbar_gpu_control, UInt32>, _ value: UInt32) {
    crossbar_store32(
      memory.base + (MemoryLayout<crossbar_gpu_control>.offset(of: field) ?? 0), value)
  }

  /// The heartbeat.
  public var heartbeat: UInt64 {
    crossbar_load64(memory.base + (MemoryLayout<crossbar_gpu_control>.offset(of: \.heartbeat) ?? 0))
  }

  /// Waits until `body` holds; false after the timeout.
  public func wait(milliseconds: Int? = nil, until body: () -> Bool) -> Bool {
    let end = clock(milliseconds ?? timeout)
    // The longer it takes the less often it looks: whoever works has the processor.
    var pause: UInt32 = 20
    while !body() {
      if DispatchTime.now() > end { return body() }
      usleep(pause)
      pause = min(1000, pause + pause / 4)
    }
    return true
  }

  private func clock(_ milliseconds: Int) -> DispatchTime { .now() + .milliseconds(milliseconds) }

  // MARK: Control ring

  /// Puts a request on the control ring and rings, without waiting.
  ///
  /// - Returns: its index.
  @discardableResult
  public func post(_ request: crossbar_gpu_request, ring rings: Bool = true) -> UInt32 {
    ring.withLock {
      let head = load(\.control_head.value)
      _ = wait { head &- load(\.control_tail.value) < CROSSBAR_GPU_CONTROL_ENTRIES }
      let slot = Int(control.control_ring) + Int(head % CROSSBAR_GPU_CONTROL_ENTRIES) * 64
      memory.base.storeBytes(of: request, toByteOffset: slot, as: crossbar_gpu_request.self)
      store(\.control_head.value, head &+ 1)
      if rings { ring(CROSSBAR_GPU_BELL_CONTROL) }
      return head
    }
  }

  /// Waits until the control ring's entry `index` is acknowledged.
  @discardableResult
  public func waitForAcknowledgment(_ index: UInt32, milliseconds: Int? = nil) -> Bool {
    wait(milliseconds: milliseconds) {
      Int32(bitPattern: load(\.control_tail.value) &- index) > 0
    }
  }

  /// Binds an address space, and waits.
  @discardableResult
  public func bind(_ space: UInt32, root: UInt64) -> Bool {
    lastFence[Int(space)] = 0
    var request = crossbar_gpu_request()
    request.opcode = CROSSBAR_GPU_BIND.rawValue
    request.address_space = space
    request.address = root
    return waitForAcknowledgment(post(request))
  }

  /// Unbinds an address space, and waits.
  @discardableResult
  public func unbind(_ space: UInt32) -> Bool {
    var request = crossbar_gpu_request()
    request.opcode = CROSSBAR_GPU_UNBIND.rawValue
    request.address_space = space
    return waitForAcknowledgment(post(request))
  }

  /// Invalidates a range, and waits.
  @discardableResult
  public func invalidate(
    _ space: UInt32, _ address: UInt64, length: UInt64, generation: UInt64 = 1
  ) -> Bool {
    var request = crossbar_gpu_request()
    request.opcode = CROSSBAR_GPU_INVALIDATE.rawValue
    request.address_space = space
    request.address = address
    request.length = length
    request.generation = generation
    return waitForAcknowledgment(post(request))
  }

  /// Answers a fault, without waiting.
  public func reply(_ space: UInt32, sequence: UInt64, error: UInt32) {
    var request = crossbar_gpu_request()
    request.opcode = CROSSBAR_GPU_FAULT_REPLY.rawValue
    request.address_space = space
    request.address = sequence
    request.error = error
    post(request)
  }

  /// Asks for a reset, and waits for it.
  @discardableResult
  public func reset() -> Bool {
    let request = load(\.reset_request) &+ 1
    store(\.reset_request, request)
    ring(CROSSBAR_GPU_BELL_RESET)
    return wait { load(\.reset_done) == request }
  }

  // MARK: Commands

  /// Puts a command on the command ring as it is, without waiting.
  public func post(_ command: crossbar_gpu_command, ring rings: Bool = true) {
    commands.withLock { put(command, rings) }
  }

  /// Gives a command its fence, puts it on the ring and rings.
  ///
  /// - Returns: its fence.
  @discardableResult
  public func submit(_ space: UInt32, _ command: crossbar_gpu_command, ring: Bool = true) -> UInt64
  {
    commands.withLock {
      lastFence[Int(space)] += 1
      var command = command
      command.address_space = space
      command.fence = lastFence[Int(space)]
      put(command, ring)
      return command.fence
    }
  }

  private func put(_ command: crossbar_gpu_command, _ rings: Bool) {
    let head = load(\.command_head.value)
    _ = wait { head &- load(\.command_tail.value) < CROSSBAR_GPU_COMMAND_ENTRIES }
    let slot = Int(control.command_ring) + Int(head % CROSSBAR_GPU_COMMAND_ENTRIES) * 64
    memory.base.storeBytes(of: command, toByteOffset: slot, as: crossbar_gpu_command.self)
    store(\.command_head.value, head &+ 1)
    if rings { ring(CROSSBAR_GPU_BELL_COMMAND) }
  }

  /// The last fence that an address space has signalled.
  public func completed(_ space: UInt32) -> UInt64 {
    crossbar_load64(memory.base + Int(control.fences) + Int(space) * 64)
  }

  /// Why an address space was stopped, 0 if it wasn't.
  public func error(_ space: UInt32) -> UInt32 {
    crossbar_load32(memory.base + Int(control.fences) + Int(space) * 64 + 8)
  }

  /// The result of a fence that was signalled.
  public func result(_ space: UInt32, _ fence: UInt64) -> crossbar_gpu_result {
    let depth = Int(CROSSBAR_GPU_DEPTH)
    let index = Int(space) * depth + Int(fence % UInt64(depth))
    return memory.base.load(
      fromByteOffset: Int(control.results) + index * 32, as: crossbar_gpu_result.self)
  }

  /// Waits for a fence; nil after the timeout or when the address space was stopped.
  public func wait(
    _ space: UInt32, for fence: UInt64, milliseconds: Int? = nil
  ) -> crossbar_gpu_result? {
    let done = wait(milliseconds: milliseconds) {
      completed(space) >= fence || error(space) != 0
    }
    return done && completed(space) >= fence ? result(space, fence) : nil
  }

  /// Submits a command and waits for it.
  public func run(_ space: UInt32, _ command: crossbar_gpu_command) throws -> crossbar_gpu_result {
    let fence = submit(space, command)
    guard let result = wait(space, for: fence) else {
      throw DriverError("fence \(fence) of address space \(space): error \(error(space))")
    }
    return result
  }

  // MARK: Faults

  /// Answers faults on a thread of its own until ``stopFaults()``: `resolve` gives the error.
  public func answerFaults(_ resolve: @escaping @Sendable (crossbar_gpu_fault) -> UInt32) {
    faultStop = false
    let thread = Thread { [unowned self] in
      while !self.faultStop {
        guard self.waitForInterrupt(CROSSBAR_GPU_IRQ_FAULT, milliseconds: 20) else { continue }
        for fault in self.takeFaults() {
          let error = resolve(fault)
          self.reply(fault.address_space, sequence: fault.sequence, error: error)
        }
      }
      self.faultsEnded.signal()
    }
    faultThread = thread
    thread.start()
  }

  private let faultsEnded = DispatchSemaphore(value: 0)

  /// Ends the thread of ``answerFaults(_:)``.
  public func stopFaults() {
    guard faultThread != nil else { return }
    faultStop = true
    faultsEnded.wait()
    faultThread = nil
  }

  /// Takes what is on the fault ring.
  public func takeFaults() -> [crossbar_gpu_fault] {
    var faults: [crossbar_gpu_fault] = []
    var tail = load(\.fault_tail.value)
    let head = load(\.fault_head.value)
    while tail != head, faults.count < Int(CROSSBAR_GPU_FAULT_ENTRIES) {
      let slot = Int(control.fault_ring) + Int(tail % CROSSBAR_GPU_FAULT_ENTRIES) * 64
      faults.append(memory.base.load(fromByteOffset: slot, as: crossbar_gpu_fault.self))
      tail &+= 1
    }
    store(\.fault_tail.value, tail)
    return faults
  }
}
