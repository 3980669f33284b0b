// SPDX-License-Identifier: Apache-2.0

import CPeerGPU
import Glibc

/// An eventfd(2): a counter that a doorbell adds to and a poll waits for.
final class EventDescriptor: Sendable {
  let descriptor: CInt

  init() throws(PeerGPUError) {
    descriptor = crossbar_eventfd()
    guard descriptor >= 0 else { throw PeerGPUError("make an eventfd", code: errno) }
  }

  deinit { close(descriptor) }

  /// Adds one.
  func signal() {
    // Fails only if the counter is full, and then the other side is signalled already.
    _ = eventfd_write(descriptor, 1)
  }

  /// The counter, which becomes 0.
  func take() -> UInt64 {
    var value: eventfd_t = 0
    return eventfd_read(descriptor, &value) == 0 ? value : 0
  }
}
