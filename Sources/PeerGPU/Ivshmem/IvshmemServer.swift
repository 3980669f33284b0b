// SPDX-License-Identifier: Apache-2.0

import CDeviceABI
import Glibc
import Synchronization

/// The server side of QEMU's `ivshmem-doorbell` for one guest: sends it video memory and the
/// doorbells' eventfds over a UNIX socket (QEMU, docs/specs/ivshmem-spec.rst, "Client protocol").
///
/// QEMU may connect at any time, once. The socket's name goes away when it has, or with ``stop()``.
public final class IvshmemServer: Sendable {
  /// Where QEMU connects to.
  public let path: String
  /// The engine's doorbells, one a vector: the guest rings, the engine waits.
  let doorbells: [EventDescriptor]
  /// The guest's interrupts, one a vector: the engine rings.
  let interrupts: [EventDescriptor]
  private let state: State
  private let thread: WorkerThread

  /// Starts to listen at `path` for a QEMU that is to be sent `memory`.
  public init(path: String, memory: VideoMemory) throws(PeerGPUError) {
    var doorbells: [EventDescriptor] = []
    var interrupts: [EventDescriptor] = []
    for _ in 0..<CROSSBAR_GPU_VECTORS {
      doorbells.append(try EventDescriptor())
      interrupts.append(try EventDescriptor())
    }
    let socket = try UnixSocket.listening(at: path)
    let state = try State(path: path)
    let messages: [(Int64, CInt?)] =
      [(0, nil), (Int64(CROSSBAR_GPU_PEER_GUEST), nil), (-1, memory.descriptor)]
      + doorbells.map { (Int64(CROSSBAR_GPU_PEER_ENGINE), $0.descriptor) }
      + interrupts.map { (Int64(CROSSBAR_GPU_PEER_GUEST), $0.descriptor) }
    let kept: [any Sendable] = [memory, doorbells, interrupts]
    self.path = path
    self.doorbells = doorbells
    self.interrupts = interrupts
    self.state = state
    do {
      thread = try WorkerThread("ivshmem-server") {
        withExtendedLifetime(kept) {
          Self.serve(socket, messages, state)
        }
      }
    } catch {
      state.removeName()
      throw error
    }
  }

  deinit { stop() }

  /// Whether a QEMU is connected now.
  public var isConnected: Bool { state.connected.load(ordering: .acquiring) }

  /// Ends the connection and removes the socket. The guest sees that its peer has left.
  public func stop() {
    state.wake.signal()
    state.owner.withLock { _ in thread.join() }
    state.removeName()
  }

  private static func serve(
    _ listener: UnixSocket, _ messages: [(Int64, CInt?)], _ state: State
  ) {
    guard state.waits(for: listener), let client = listener.accept() else { return }
    state.removeName()
    // Before the messages: whoever has them all is connected.
    state.connected.store(true, ordering: .releasing)
    defer { state.connected.store(false, ordering: .releasing) }
    for (number, descriptor) in messages {
      guard client.send(number, descriptor: descriptor) else { return }
    }
    // QEMU says nothing after this; what arrives is its end.
    var scratch: UInt64 = 0
    while state.waits(for: client), recv(client.descriptor, &scratch, 8, 0) > 0 {}
  }

  private final class State: Sendable {
    let path: String
    let wake: EventDescriptor
    let connected = Atomic(false)
    let owner = Mutex(())
    private let named = Mutex(true)

    init(path: String) throws(PeerGPUError) {
      self.path = path
      wake = try EventDescriptor()
    }

    func removeName() {
      named.withLock { named in
        if named { unlink(path) }
        named = false
      }
    }

    /// Waits until `socket` has something; false when the server is to stop.
    func waits(for socket: UnixSocket) -> Bool {
      var polled = [
        pollfd(fd: wake.descriptor, events: Int16(POLLIN), revents: 0),
        pollfd(fd: socket.descriptor, events: Int16(POLLIN), revents: 0),
      ]
      while true {
        let count = poll(&polled, 2, -1)
        if count < 0, errno == EINTR { continue }
        guard count > 0, polled[0].revents == 0 else { return false }
        return true
      }
    }
  }
}
