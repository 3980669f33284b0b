// SPDX-License-Identifier: Apache-2.0

import CPeerGPU
import Glibc

/// A UNIX stream socket, closed with its object.
final class UnixSocket: Sendable {
  let descriptor: CInt

  private init(_ descriptor: CInt) {
    self.descriptor = descriptor
  }

  deinit { close(descriptor) }

  /// A socket that listens at `path`, where nothing may be yet.
  static func listening(at path: String) throws(PeerGPUError) -> UnixSocket {
    let attempt = "listen at \(path)"
    let socket = try make(attempt)
    var address = try address(of: path, attempt)
    guard withSocketAddress(&address, { bind(socket.descriptor, $0, $1) }) == 0,
      listen(socket.descriptor, 1) == 0
    else { throw PeerGPUError(attempt, code: errno) }
    return socket
  }

  /// A socket connected to who listens at `path`.
  static func connected(to path: String) throws(PeerGPUError) -> UnixSocket {
    let attempt = "connect to \(path)"
    let socket = try make(attempt)
    var address = try address(of: path, attempt)
    guard withSocketAddress(&address, { connect(socket.descriptor, $0, $1) }) == 0 else {
      throw PeerGPUError(attempt, code: errno)
    }
    return socket
  }

  /// Accepts one connection that waits, or nil if it has gone.
  func accept() -> UnixSocket? {
    let client = crossbar_accept(descriptor)
    return client >= 0 ? UnixSocket(client) : nil
  }

  /// Sends `number` in little endian with a copy of `descriptor`, if one is given.
  ///
  /// - Returns: whether the other side is still there to get it.
  func send(_ number: Int64, descriptor: CInt? = nil) -> Bool {
    var payload = number.littleEndian
    return withUnsafeMutableBytes(of: &payload) { bytes in
      var piece = iovec(iov_base: bytes.baseAddress, iov_len: bytes.count)
      return withUnsafeMutablePointer(to: &piece) { pieces in
        var message = msghdr()
        message.msg_iov = pieces
        message.msg_iovlen = 1
        guard let descriptor else { return send(&message, bytes.count) }
        var rights = DescriptorMessage(descriptor)
        return withUnsafeMutableBytes(of: &rights) { control in
          message.msg_control = control.baseAddress
          message.msg_controllen = control.count
          return send(&message, bytes.count)
        }
      }
    }
  }

  private func send(_ message: inout msghdr, _ count: Int) -> Bool {
    while true {
      let sent = sendmsg(descriptor, &message, CInt(MSG_NOSIGNAL))
      if sent < 0, errno == EINTR { continue }
      return sent == count
    }
  }

  private static func make(_ attempt: String) throws(PeerGPUError) -> UnixSocket {
    let descriptor = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw PeerGPUError(attempt, code: errno) }
    return UnixSocket(descriptor)
  }

  private static func address(
    of path: String, _ attempt: String
  ) throws(PeerGPUError) -> sockaddr_un {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let bytes = Array(path.utf8)
    let room = MemoryLayout.size(ofValue: address.sun_path)
    guard bytes.count < room else {
      throw PeerGPUError(attempt, problem: "a socket's path is \(room - 1) bytes at most")
    }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    return address
  }

  private static func withSocketAddress(
    _ address: inout sockaddr_un, _ body: (UnsafePointer<sockaddr>, socklen_t) -> CInt
  ) -> CInt {
    withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
  }
}

/// A control message with one descriptor (cmsg(3), SCM_RIGHTS), laid out as CMSG_SPACE(4) would.
private struct DescriptorMessage: BitwiseCopyable {
  var length = MemoryLayout<cmsghdr>.size + MemoryLayout<CInt>.size
  var level = SOL_SOCKET
  var type = CInt(SCM_RIGHTS)
  var descriptor: CInt
  var padding: CInt = 0

  init(_ descriptor: CInt) {
    self.descriptor = descriptor
  }
}
