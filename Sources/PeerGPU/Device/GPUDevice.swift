// SPDX-License-Identifier: Apache-2.0

import CDeviceABI
import Glibc
import Synchronization

/// The peer GPU: video memory, the ivshmem server that QEMU connects to, engines and access log.
///
/// It is the device's brain and nothing else: it sees its guest by shared memory, doorbells and the
/// bus (`CDeviceABI` says how), and trusts none of what it finds there.
public final class GPUDevice: Sendable {
  /// The guest's BAR 2.
  public let memory: VideoMemory
  /// What QEMU connects to.
  public let server: IvshmemServer
  private let context: DeviceContext
  private let dispatcher: Dispatcher
  private let threads: Mutex<[WorkerThread]>
  private let heartbeatStop: EventDescriptor

  /// Bytes that the access log grows to, unless told otherwise.
  public static let logLimit: UInt64 = 1 << 30

  /// Bytes of the access log that may wait for a disk that stands still. Beyond that the engine waits
  /// too, and after some seconds its driver resets it and gives it up.
  public static let logBacklog = 64 << 20

  /// Starts the device: QEMU may connect to `socketPath` from now on, and the driver may bind.
  ///
  /// - Parameters:
  ///   - memory: what BAR 2 shows; its control page gets FEATURE_ENGINE.
  ///   - socketPath: where nothing may be yet; 107 bytes at most (unix(7)).
  ///   - logPath: of the access log, replaced if it exists.
  ///   - logLimit: bytes after which the log ends with a line that says so.
  ///   - logBacklog: bytes of it that may wait for the disk.
  ///   - injection: what goes wrong from the beginning.
  ///   - digestsPayload: whether the log has, at a command's fence, the CRC32C of what it took and of
  ///     what it gave. Data then go through a buffer, which takes longer.
  public init(
    memory: VideoMemory, socketPath: String, logPath: String, logLimit: UInt64 = logLimit,
    logBacklog: Int = logBacklog, injection: FaultInjection = .none, digestsPayload: Bool = false
  ) throws(PeerGPUError) {
    let log = try AccessLog(path: logPath, limit: logLimit, backlog: logBacklog)
    let server = try IvshmemServer(path: socketPath, memory: memory)
    let context = DeviceContext(
      memory: memory, interrupts: server.interrupts, log: log, injection: injection,
      digestsPayload: digestsPayload)
    let dispatcher = try Dispatcher(context: context, doorbells: server.doorbells)
    let heartbeatStop = try EventDescriptor()
    self.memory = memory
    self.server = server
    self.context = context
    self.dispatcher = dispatcher
    self.heartbeatStop = heartbeatStop
    threads = Mutex([])
    context.control.announceEngine()
    let first = try WorkerThread("gpu-dispatcher") { dispatcher.run() }
    threads.withLock { $0.append(first) }
    let second = try WorkerThread("gpu-heartbeat") { Self.beat(context, until: heartbeatStop) }
    threads.withLock { $0.append(second) }
  }

  deinit { stop() }

  /// Says what bus addresses lead to, once the guest has placed its BARs. An address belongs to the
  /// first port that owns it; before this call, and to nobody's address, every DMA is a master
  /// abort. Another call replaces the ports, from each engine's next run on.
  public func attach(_ ports: [any DMAPort]) {
    context.ports = PortTable(ports)
  }

  /// What was done so far.
  public func counters() -> GPUCounters {
    var counters = context.statistics.snapshot(lastLogNumber: context.log.lastNumber)
    counters.heldByLog = context.log.held
    return counters
  }

  /// Changes what goes wrong from now on.
  ///
  /// - Parameter resuming: switches that keep their number go on counting.
  public func inject(_ injection: FaultInjection, resuming: Bool = false) {
    context.injection.replace(injection, resuming: resuming)
  }

  /// Ends all commands and threads, leaves the state STOPPED, and completes the access log.
  public func stop() {
    dispatcher.stop()
    heartbeatStop.signal()
    // Joined under the lock: a second caller waits for the first one.
    threads.withLock { threads in
      for thread in threads { thread.join() }
      threads = []
    }
    server.stop()
    context.log.flush()
  }

  /// Counts up twenty times a second, twice what the ABI promises.
  private static func beat(_ context: DeviceContext, until stop: EventDescriptor) {
    var count: UInt64 = 0
    while true {
      count &+= 1
      context.control.setHeartbeat(count)
      var polled = pollfd(fd: stop.descriptor, events: Int16(POLLIN), revents: 0)
      if poll(&polled, 1, 50) > 0 { return }
    }
  }
}
