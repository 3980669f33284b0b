// SPDX-License-Identifier: Apache-2.0

import CPeerGPU
import Glibc

/// The client's side of the ivshmem protocol, as QEMU has it.
public final class IvshmemClient: @unchecked Sendable {
  /// One message: a number, and the descriptor that came with it, or -1.
  public typealias Message = (number: Int64, descriptor: CInt)

  private let descriptor: CInt

  /// Connects to a server.
  public init(path: String) throws {
    descriptor = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
    let result = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    guard result == 0 else {
      // The descriptor is closed by deinit.
      let code = errno
      throw DriverError("no connection to \(path): \(String(cString: strerror(code)))")
    }
  }

  deinit { Glibc.close(descriptor) }

  /// Waits for a message; nil at the end of the connection, or when none comes within a second.
  public func receive() -> Message? {
    var polled = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    guard poll(&polled, 1, 1000) > 0 else { return nil }
    var number: Int64 = 0
    var control = [Int32](repeating: -1, count: 6)
    let count = withUnsafeMutableBytes(of: &number) { bytes in
      var piece = iovec(iov_base: bytes.baseAddress, iov_len: 8)
      return control.withUnsafeMutableBytes { control in
        withUnsafeMutablePointer(to: &piece) { pieces in
          var message = msghdr()
          message.msg_iov = pieces
          message.msg_iovlen = 1
          message.msg_control = control.baseAddress
          message.msg_controllen = control.count
          let count = recvmsg(descriptor, &message, 0)
          if message.msg_controllen == 0 {
            control.storeBytes(of: -1, toByteOffset: 16, as: Int32.self)
          }
          return count
        }
      }
    }
    return count == 8 ? (Int64(littleEndian: number), control[4]) : nil
  }
}
