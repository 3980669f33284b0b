// SPDX-License-Identifier: Apache-2.0

import CPeerGPU
import Glibc

/// The line protocol of a qtest socket: one request, one answer. After the first failure the
/// stream's position is unknown, so everything fails.
struct QtestChannel: ~Copyable {
  private let socket: UnixSocket
  private let timeout: UInt64
  private var alive = true
  private let buffer: UnsafeMutableRawBufferPointer
  /// Bytes of `buffer` that arrived.
  private var filled = 0

  init(_ socket: consuming UnixSocket, timeout: UInt64) {
    self.socket = socket
    self.timeout = timeout
    buffer = .allocate(byteCount: Base64.encodedCount(QtestPort.requestSize) + 256, alignment: 64)
  }

  deinit { buffer.deallocate() }

  mutating func read(_ address: UInt64, into target: UnsafeMutableRawBufferPointer) -> Bool {
    let line = "b64read 0x\(hex(address)) 0x\(hex(UInt64(target.count)))\n"
    guard let answer = exchange(fill(line)) else { return false }
    // "OK " before the code; an error has another beginning and length.
    guard answer.count > 3, answer.starts(with: "OK ".utf8),
      Base64.decode(UnsafeRawBufferPointer(rebasing: answer[3...]), to: target)
    else {
      alive = false
      return false
    }
    return true
  }

  mutating func write(_ address: UInt64, from source: UnsafeRawBufferPointer) -> Bool {
    var count = fill("b64write 0x\(hex(address)) 0x\(hex(UInt64(source.count))) ")
    let code = Base64.encodedCount(source.count)
    guard count + code < buffer.count, let start = buffer.baseAddress else { return false }
    Base64.encode(source, to: (start + count).assumingMemoryBound(to: UInt8.self))
    count += code
    buffer[count] = UInt8(ascii: "\n")
    guard let answer = exchange(count + 1) else { return false }
    alive = answer.elementsEqual("OK".utf8)
    return alive
  }

  mutating func command(_ line: String) -> String? {
    guard let answer = exchange(fill(line + "\n")), answer.starts(with: "OK".utf8) else {
      alive = false
      return nil
    }
    return String(decoding: answer.dropFirst(3), as: UTF8.self)
  }

  /// Puts `text` at the beginning of the buffer.
  private func fill(_ text: String) -> Int {
    var count = 0
    for byte in text.utf8.prefix(buffer.count) {
      buffer[count] = byte
      count += 1
    }
    return count
  }

  private func hex(_ number: UInt64) -> String { String(number, radix: 16) }

  /// Sends the first `count` bytes of the buffer and waits for a line, which replaces them.
  private mutating func exchange(_ count: Int) -> UnsafeRawBufferPointer? {
    guard alive else { return nil }
    let deadline = MonotonicTime.now.advanced(milliseconds: timeout)
    guard send(count, deadline), let answer = receive(deadline) else {
      alive = false
      return nil
    }
    return answer
  }

  private func send(_ count: Int, _ deadline: MonotonicTime) -> Bool {
    var sent = 0
    while sent < count, let start = buffer.baseAddress {
      let flags = CInt(MSG_NOSIGNAL) | CInt(MSG_DONTWAIT)
      let result = Glibc.send(socket.descriptor, start + sent, count - sent, flags)
      if result > 0 {
        sent += result
      } else if !(result < 0 && (errno == EAGAIN || errno == EINTR) && ready(POLLOUT, deadline)) {
        return false
      }
    }
    return true
  }

  private mutating func receive(_ deadline: MonotonicTime) -> UnsafeRawBufferPointer? {
    filled = 0
    while let start = buffer.baseAddress, filled < buffer.count {
      let result = recv(
        socket.descriptor, start + filled, buffer.count - filled, CInt(MSG_DONTWAIT))
      guard result > 0 else {
        if result < 0, errno == EAGAIN || errno == EINTR, ready(POLLIN, deadline) { continue }
        return nil
      }
      filled += result
      // One request is under way, so a line's end is the end of what there is.
      guard buffer[filled - 1] == UInt8(ascii: "\n") else { continue }
      return UnsafeRawBufferPointer(rebasing: buffer[0..<filled - 1])
    }
    return nil
  }

  private func ready(_ event: CInt, _ deadline: MonotonicTime) -> Bool {
    var polled = pollfd(fd: socket.descriptor, events: Int16(event), revents: 0)
    let left = deadline.millisecondsLeft
    let result = poll(&polled, 1, left)
    return result > 0 || (result < 0 && errno == EINTR && left > 0)
  }
}
