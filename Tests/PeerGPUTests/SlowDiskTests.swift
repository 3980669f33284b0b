// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Testing

@testable import PeerGPU

/// A disk that stands still: a pipe that nobody reads, which holds 64 KiB.
@Suite(.timeLimit(.minutes(1))) struct SlowDiskTests {
  private final class Pipe {
    let path: String
    private let directory: String
    private let descriptor: CInt

    init() throws {
      directory = try temporaryDirectory()
      path = "\(directory)/dma.jsonl"
      try #require(mkfifo(path, 0o600) == 0)
      descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
      try #require(descriptor >= 0)
    }

    deinit {
      close(descriptor)
      try? FileManager.default.removeItem(atPath: directory)
    }

    /// The lines that come have the numbers from 1 to `count`, in this order.
    func hasLines(_ count: Int) -> Bool {
      var lines: [UInt64] = []
      var rest: [UInt8] = []
      var chunk = [UInt8](repeating: 0, count: 1 << 16)
      while lines.count < count {
        let length = read(descriptor, &chunk, chunk.count)
        guard length > 0 else {
          usleep(1000)
          continue
        }
        rest += chunk[..<length]
        var pieces = rest.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        rest = Array(pieces.removeLast())
        lines += pieces.compactMap { piece in
          let text = String(decoding: piece, as: UTF8.self)
          return text.firstMatch(of: /"n":(\d+)/).flatMap { UInt64($0.output.1) }
        }
      }
      return lines == Array(1...UInt64(count))
    }
  }

  private static let count = 50_000

  @Test func holdsNobodyUp() throws {
    let pipe = try Pipe()
    let log = try AccessLog(path: pipe.path, limit: 1 << 30)
    for space in 0..<Self.count { log.bind(UInt32(space % 32)) }
    #expect(log.lastNumber == Self.count)
    // What is kept is written without anybody's asking.
    #expect(pipe.hasLines(Self.count))
  }

  @Test func isWaitedForWhenTheBacklogIsFull() throws {
    let pipe = try Pipe()
    let log = try AccessLog(path: pipe.path, limit: 1 << 30, backlog: 256 << 10)
    let threads = try (0..<2).map { _ in
      try WorkerThread("test-lines") {
        for space in 0..<Self.count / 2 { log.bind(UInt32(space % 32)) }
      }
    }
    // It stands still, and can be asked meanwhile.
    var last: UInt64 = 0
    repeat {
      last = log.lastNumber
      usleep(100_000)
    } while last == 0 || log.lastNumber > last
    #expect(last < Self.count)
    #expect(pipe.hasLines(Self.count))
    for thread in threads { thread.join() }
    log.flush()
  }
}
