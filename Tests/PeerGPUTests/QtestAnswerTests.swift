// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Testing

@testable import PeerGPU

/// What comes back on a qtest socket, in whatever pieces, right or wrong. Whoever answers here does so
/// before it is asked.
@Suite struct QtestAnswerTests {
  /// A port whose other side sends `text`, `size` bytes at a time, and hangs up if it is told to.
  private static func port(
    _ text: String, by size: Int = 1 << 20, hangsUp: Bool = false
  ) throws -> (port: QtestPort, directory: TemporarySocket) {
    let socket = try TemporarySocket()
    let listener = try UnixSocket.listening(at: socket.path)
    let port = try QtestPort(path: socket.path, regions: [], timeout: 2000)
    let peer = try #require(listener.accept())
    let thread = Thread {
      var rest = Array(text.utf8)[...]
      while !rest.isEmpty {
        let piece = Array(rest.prefix(size))
        guard send(peer.descriptor, piece, piece.count, CInt(MSG_NOSIGNAL)) > 0 else { return }
        rest = rest.dropFirst(piece.count)
      }
      if hangsUp {
        shutdown(peer.descriptor, CInt(SHUT_RDWR))
      } else {
        // The requests go nowhere; the port has its time-out.
        sleep(4)
      }
    }
    thread.start()
    return (port, socket)
  }

  private static let bytes = randomBytes(100_000, seed: 4)
  private static var answers: [String] {
    stride(from: 0, to: bytes.count, by: QtestChannel.requestSize).map { start in
      let piece = bytes[start..<min(start + QtestChannel.requestSize, bytes.count)]
      return "OK \(Data(piece).base64EncodedString())\n"
    }
  }

  private static func read(_ port: QtestPort) throws -> [UInt8] {
    var found = [UInt8](repeating: 0, count: bytes.count)
    try found.withUnsafeMutableBytes { try port.read(0, into: $0) }
    return found
  }

  @Test(arguments: [13, 4096, 43_000, 1 << 20])
  func answersComeInAnyPieces(size: Int) throws {
    let (port, socket) = try Self.port(Self.answers.joined() + "OK 7\n", by: size)
    defer { socket.remove() }
    #expect(try Self.read(port) == Self.bytes)
    #expect(try port.command("anything") == "7")
  }

  @Test func aWriteHasAnAnswerForEachRequest() throws {
    let (port, socket) = try Self.port("OK\nOK\nOK\nOK\nOK 7\n", by: 2)
    defer { socket.remove() }
    try Self.bytes.withUnsafeBytes { try port.write(0, from: $0) }
    #expect(try port.command("anything") == "7")
  }

  @Test(arguments: [
    "FAIL Unknown command\n", "OK \n", "OK AAAA\n", "ERR\n", "\n",
    String(repeating: "A", count: 400_000),
  ])
  func aWrongAnswerEndsThePort(wrong: String) throws {
    let (port, socket) = try Self.port(
      Self.answers[..<2].joined() + wrong + Self.answers[3...].joined())
    defer { socket.remove() }
    #expect(throws: DMAError.self) { try Self.read(port) }
    #expect(throws: DMAError.self) { try port.command("anything") }
    let (other, otherSocket) = try Self.port("OK\nOK\n" + wrong + "OK\n")
    defer { otherSocket.remove() }
    #expect(throws: DMAError.self) {
      try Self.bytes.withUnsafeBytes { try other.write(0, from: $0) }
    }
  }

  @Test func anEndWithinALineIsNoAnswer() throws {
    let (port, socket) = try Self.port(String(Self.answers.joined().dropLast(5)), hangsUp: true)
    defer { socket.remove() }
    #expect(throws: DMAError.self) { try Self.read(port) }
  }
}

/// A path for a socket, in a directory of its own.
private struct TemporarySocket {
  let directory: String

  init() throws { directory = try temporaryDirectory() }

  var path: String { "\(directory)/s" }

  func remove() { try? FileManager.default.removeItem(atPath: directory) }
}
