// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Lines on their way to a file: kept in pieces, which a thread of its own writes, so that no engine
/// waits for a disk. If the disk stands still for so long that the pieces make up the backlog, who has
/// a line waits: none is lost.
///
/// `@unchecked Sendable`: all of it is only touched with `lock` held, but for the pieces that
/// ``write(_:)`` has been given.
final class LogOutput: @unchecked Sendable {
  /// Lines that are written together. The memory is mapped, so that what a slow disk took is given back
  /// when it is written: a heap would keep it.
  private struct Piece {
    let bytes: UnsafeMutablePointer<UInt8>
    var count = 0

    init() {
      let memory = mmap(
        nil, LogOutput.capacity, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
      guard let memory, memory != MAP_FAILED else { fatalError("no memory for the access log") }
      bytes = memory.assumingMemoryBound(to: UInt8.self)
    }

    func free() { munmap(bytes, LogOutput.capacity) }
  }

  /// Bytes of a piece.
  private static let capacity = 128 << 10
  /// For how long a line may be kept.
  private static let patience: UInt64 = 200
  /// Pieces that are kept to be used again.
  private static let spareLimit = 4

  /// The number of the last line.
  private(set) var number: UInt64 = 0

  /// Protects everything here. Who has a line broadcasts when a piece is full, the writer when some
  /// are written.
  private let lock: Monitor
  private let descriptor: CInt
  private let limit: UInt64
  private let backlog: Int
  /// Bytes of all lines, written or not.
  private var total: UInt64 = 0
  private var truncated = false
  private var hasFailed = false

  private var piece = Piece()
  private var full: [Piece] = []
  private var spare: [Piece] = []
  /// Pieces that the writer has at hand.
  private var inHand = 0
  private var closed = false

  /// Takes the descriptor over.
  ///
  /// - Parameters:
  ///   - limit: bytes after which nothing but a last line is kept.
  ///   - backlog: bytes that may be kept before somebody has to wait.
  init(descriptor: CInt, limit: UInt64, backlog: Int, lock: Monitor) {
    self.descriptor = descriptor
    self.limit = limit
    self.backlog = max(backlog / Self.capacity, 1)
    self.lock = lock
  }

  deinit {
    close(descriptor)
    for piece in full + spare + [piece] { piece.free() }
  }

  /// Bytes of memory that lines take up which are not written yet.
  var held: Int { full.count * Self.capacity + inHand * Self.capacity + piece.count }

  /// Keeps a line. Numbers are given to what is beyond the limit as well. `time` is renewed if the line
  /// has to wait: lines are in the order of their times. The lock is held, and given up to wait.
  @inline(__always)
  func keep(
    _ type: StaticString, _ time: inout MonotonicTime, _ body: (inout LogLine) -> Void
  ) {
    while piece.count > Self.capacity - LogLine.longest, !truncated {
      makeRoom()
      time = .now
    }
    number &+= 1
    guard !truncated else { return }
    var line = LogLine(at: piece.bytes + piece.count)
    line.append("{\"t\":\"")
    line.append(type)
    line.append("\",\"n\":")
    line.append(number)
    line.append(",\"ns\":")
    line.append(time.nanoseconds)
    body(&line)
    line.append("}\n")
    if total &+ UInt64(line.count) > limit {
      truncated = true
      line = LogLine(at: piece.bytes + piece.count)
      line.append("{\"t\":\"truncated\"}\n")
    }
    piece.count &+= line.count
    total &+= UInt64(line.count)
  }

  /// Has the writer take the piece, or waits for it to come back for others. The lock is held.
  private func makeRoom() {
    if full.count + inHand < backlog { handOver() } else { lock.wait() }
  }

  private func handOver() {
    guard piece.count > 0, !hasFailed else { return }
    full.append(piece)
    piece = spare.popLast() ?? Piece()
    lock.broadcast()
  }

  /// Waits until everything is in the file, with the lock held.
  func flush() {
    handOver()
    while !full.isEmpty || inHand > 0 { lock.wait() }
  }

  /// Has the writer end, once it has written everything. The lock is held.
  func end() {
    handOver()
    closed = true
    lock.broadcast()
  }

  /// The writer's thread: returns after ``end()``.
  func writeAll() {
    while true {
      let pieces = lock.locked { take() }
      if pieces.isEmpty { return }
      let isWritten = pieces.allSatisfy { write($0) }
      lock.locked {
        // A full disk: the log ends here, the GPU goes on.
        if !isWritten { fail() }
        inHand = 0
        for piece in pieces {
          if spare.count < Self.spareLimit {
            spare.append(piece)
            spare[spare.count - 1].count = 0
          } else {
            piece.free()
          }
        }
        lock.broadcast()
      }
    }
  }

  /// Nothing is written any more: what comes later would stand behind half a line.
  private func fail() {
    truncated = true
    hasFailed = true
    for piece in full { piece.free() }
    full = []
  }

  /// What there is to write; nothing at the end. Lines that have waited are taken in a piece that
  /// is not full.
  private func take() -> [Piece] {
    let deadline = MonotonicTime.now.advanced(milliseconds: Self.patience)
    while full.isEmpty, !closed {
      if MonotonicTime.now < deadline {
        lock.wait(until: deadline)
      } else if piece.count > 0, !hasFailed {
        handOver()
      } else {
        lock.wait(until: MonotonicTime.now.advanced(milliseconds: Self.patience))
      }
    }
    defer { full = [] }
    inHand = full.count
    return full
  }

  private func write(_ piece: Piece) -> Bool {
    var done = 0
    while done < piece.count {
      let count = Glibc.write(descriptor, piece.bytes + done, piece.count - done)
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return false }
      done += count
    }
    return true
  }
}
