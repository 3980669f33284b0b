// SPDX-License-Identifier: Apache-2.0

import Foundation

/// A file descriptor with one owner, closed with it.
final class FileDescriptorOwner: Sendable {
  let descriptor: Int32

  init(_ descriptor: Int32) {
    self.descriptor = descriptor
  }

  deinit { close(descriptor) }

  /// Opens `path` and locks it for as long as the result lives.
  static func lock(_ path: String, wait: Bool) throws(HypervisorError) -> FileDescriptorOwner {
    let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard descriptor >= 0 else {
      throw HypervisorError(
        .environment, attempt: "open \(path)", problem: systemMessage(errno))
    }
    let owner = FileDescriptorOwner(descriptor)
    while flock(descriptor, wait ? LOCK_EX : LOCK_EX | LOCK_NB) != 0 {
      if errno == EINTR { continue }
      throw HypervisorError(.environment, attempt: "lock \(path)", problem: systemMessage(errno))
    }
    return owner
  }

  /// Connects to a UNIX socket, without blocking reads and writes.
  static func connected(
    to path: String, attempt: String
  ) throws(HypervisorError) -> FileDescriptorOwner {
    let descriptor = socket(
      AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
    guard descriptor >= 0 else {
      throw HypervisorError(.environment, attempt: attempt, problem: systemMessage(errno))
    }
    let owner = FileDescriptorOwner(descriptor)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let bytes = Array(path.utf8)
    guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
      throw HypervisorError(
        .environment, attempt: attempt, problem: "the path \(path) is too long for a socket")
    }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    let result = withUnsafePointer(to: address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    guard result == 0 else {
      throw HypervisorError(.start, attempt: attempt, problem: "\(path): \(systemMessage(errno))")
    }
    return owner
  }
}

/// The system's message for an error number.
func systemMessage(_ number: Int32) -> String { String(cString: strerror(number)) }
