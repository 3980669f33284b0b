// SPDX-License-Identifier: Apache-2.0

import Foundation

/// The host's end of the virtio-serial port that carries a program's input and output.
///
/// One connection for the life of the guest: what the guest writes while nobody is connected, QEMU
/// drops.
final class ProgramChannel: Sendable {
  let socket: FileDescriptorOwner
  /// Everything that is written goes through this queue, so that the input of two runs never mixes.
  let input = BlockingQueue("crossbar.program.input")

  init(connectingTo path: String) throws(HypervisorError) {
    socket = try .connected(to: path, attempt: "connect to the guest's program channel")
  }

  /// Writes all bytes, waiting for the guest to take them. On the queue `input` only.
  ///
  /// - Parameter check: called before each piece; throws to give up.
  func write(
    _ bytes: [UInt8], check: () throws(HypervisorError) -> Void
  ) throws(HypervisorError) {
    var sent = 0
    while sent < bytes.count {
      try check()
      let count = bytes[sent...].withUnsafeBytes {
        send(socket.descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      if count > 0 {
        sent += count
      } else if count < 0, errno == EAGAIN || errno == EINTR {
        var poller = pollfd(fd: socket.descriptor, events: Int16(POLLOUT), revents: 0)
        _ = poll(&poller, 1, 100)
      } else {
        throw HypervisorError(
          .emulatorEnded, attempt: "write to the program", problem: "the program channel is closed",
          mend: "See the console for the guest's end")
      }
    }
  }
}
