// SPDX-License-Identifier: Apache-2.0

import CPeerGPU
import Glibc

/// The line protocol of a qtest socket: QEMU answers each request by a line, in order. Several are
/// under way at once, so that QEMU works on one while this side codes the next or decodes the last.
/// After the first failure the stream's position is unknown, so everything fails.
struct QtestChannel: ~Copyable {
  /// Bytes of memory that one request is about. QEMU looks through all of a line's beginning again
  /// with each 4 KiB of it that arrive (system/qtest.c), so short ones are quicker.
  static let requestSize = 32 << 10
  /// Requests under way at most.
  private static let depth = 4

  private let socket: UnixSocket
  private let timeout: UInt64
  private var alive = true
  /// Of the access that is under way.
  private var deadline = MonotonicTime.now
  private let request: UnsafeMutableRawBufferPointer
  private let answers: UnsafeMutableRawBufferPointer
  /// The part of `answers` that arrived and was not taken.
  private var arrived = 0..<0

  init(_ socket: consuming UnixSocket, timeout: UInt64) {
    self.socket = socket
    self.timeout = timeout
    let line = Base64.encodedCount(Self.requestSize) + 256
    request = .allocate(byteCount: line, alignment: 64)
    answers = .allocate(byteCount: 4 * line, alignment: 64)
  }

  deinit {
    request.deallocate()
    answers.deallocate()
  }

  mutating func read(_ address: UInt64, into target: UnsafeMutableRawBufferPointer) -> Bool {
    var asked = 0
    var done = 0
    begin()
    while alive, done < target.count {
      while alive, asked < target.count, asked - done < Self.depth * Self.requestSize {
        let count = min(Self.requestSize, target.count - asked)
        send(fill("b64read 0x\(hex(address &+ UInt64(asked))) 0x\(hex(UInt64(count)))\n"))
        asked += count
      }
      let count = min(Self.requestSize, target.count - done)
      let piece = UnsafeMutableRawBufferPointer(rebasing: target[done..<done + count])
      // "OK " before the code; an error has another beginning and length.
      guard let answer = answer(), answer.count > 3, answer.starts(with: "OK ".utf8),
        Base64.decode(UnsafeRawBufferPointer(rebasing: answer[3...]), to: piece)
      else {
        alive = false
        break
      }
      done += count
    }
    return alive
  }

  mutating func write(_ address: UInt64, from source: UnsafeRawBufferPointer) -> Bool {
    var asked = 0
    var underWay = 0
    begin()
    while alive, asked < source.count || underWay > 0 {
      if asked < source.count, underWay < Self.depth {
        let count = min(Self.requestSize, source.count - asked)
        let piece = UnsafeRawBufferPointer(rebasing: source[asked..<asked + count])
        sendWrite(address &+ UInt64(asked), piece)
        asked += count
        underWay += 1
      } else {
        alive = answer()?.elementsEqual("OK".utf8) == true
        underWay -= 1
      }
    }
    return alive
  }

  mutating func command(_ line: String) -> String? {
    guard alive else { return nil }
    begin()
    send(fill(line + "\n"))
    guard let answer = answer(), answer.starts(with: "OK".utf8) else {
      alive = false
      return nil
    }
    return String(decoding: answer.dropFirst(3), as: UTF8.self)
  }

  private mutating func sendWrite(_ address: UInt64, _ piece: UnsafeRawBufferPointer) {
    var count = fill("b64write 0x\(hex(address)) 0x\(hex(UInt64(piece.count))) ")
    guard let start = request.baseAddress else { return }
    Base64.encode(piece, to: (start + count).assumingMemoryBound(to: UInt8.self))
    count += Base64.encodedCount(piece.count)
    request[count] = UInt8(ascii: "\n")
    send(count + 1)
  }

  /// Puts `text`, which is short, at the beginning of the request.
  private func fill(_ text: String) -> Int {
    var count = 0
    for byte in text.utf8.prefix(255) {
      request[count] = byte
      count += 1
    }
    return count
  }

  private func hex(_ number: UInt64) -> String { String(number, radix: 16) }

  private mutating func begin() { deadline = .now.advanced(milliseconds: timeout) }

  /// Sends the first `count` bytes of the request.
  private mutating func send(_ count: Int) {
    var sent = 0
    while sent < count, let start = request.baseAddress {
      let flags = CInt(MSG_NOSIGNAL) | CInt(MSG_DONTWAIT)
      let result = Glibc.send(socket.descriptor, start + sent, count - sent, flags)
      if result > 0 {
        sent += result
      } else if !(result < 0 && (errno == EAGAIN || errno == EINTR) && ready(POLLOUT)) {
        alive = false
        return
      }
    }
  }

  /// The next line, without its end; valid until the next call.
  private mutating func answer() -> UnsafeRawBufferPointer? {
    var seen = arrived.lowerBound
    while alive, let start = answers.baseAddress {
      if let end = memchr(start + seen, 0x0A, arrived.upperBound - seen) {
        let line = arrived.lowerBound..<(UnsafeRawPointer(end) - UnsafeRawPointer(start))
        arrived = (line.upperBound + 1)..<arrived.upperBound
        return UnsafeRawBufferPointer(rebasing: answers[line])
      }
      if arrived.upperBound == answers.count || arrived.isEmpty {
        // What arrived goes to the beginning. A line that fills the buffer is no answer.
        guard arrived.count < answers.count else { break }
        memmove(start, start + arrived.lowerBound, arrived.count)
        arrived = 0..<arrived.count
      }
      seen = arrived.upperBound
      let result = recv(
        socket.descriptor, start + seen, answers.count - seen, CInt(MSG_DONTWAIT))
      if result > 0 {
        arrived = arrived.lowerBound..<(seen + result)
      } else if !(result < 0 && (errno == EAGAIN || errno == EINTR) && ready(POLLIN)) {
        break
      }
    }
    alive = false
    return nil
  }

  private func ready(_ event: CInt) -> Bool {
    var polled = pollfd(fd: socket.descriptor, events: Int16(event), revents: 0)
    let left = deadline.millisecondsLeft
    let result = poll(&polled, 1, left)
    return result > 0 || (result < 0 && errno == EINTR && left > 0)
  }
}
