// SPDX-License-Identifier: Apache-2.0

import Glibc
import Synchronization

/// A connection to QEMU's qtest socket (`-qtest unix:PATH,server=on,wait=off`; QEMU, system/qtest.c).
/// The socket serves one client, so all who need the bus share one of these.
///
/// One access at a time, in as many requests as it takes. When QEMU ends, answers with something else, or does
/// not answer in time, this and every later access is a ``DMAError``.
public final class QtestSocket: Sendable {
  private let channel: Mutex<QtestChannel>
  private let path: String

  /// Connects to the socket at `path`.
  ///
  /// - Parameter timeout: milliseconds that one access may take.
  public init(path: String, timeout: UInt64 = 5000) throws(PeerGPUError) {
    self.path = path
    channel = Mutex(QtestChannel(try UnixSocket.connected(to: path), timeout: timeout))
  }

  /// Sends one line and gives the answer after `OK`, for requests that are no DMA.
  func command(_ line: String) throws(DMAError) -> String {
    var answer: String?
    try access { channel in
      answer = channel.command(line)
      return answer != nil
    }
    return answer ?? ""
  }

  fileprivate func access(_ body: (inout QtestChannel) -> Bool) throws(DMAError) {
    guard channel.withLock({ body(&$0) }) else {
      throw DMAError("QEMU's qtest socket \(path) gave no answer")
    }
  }
}

/// Bus addresses that only QEMU reaches, such as an NVMe controller's memory buffer, by its qtest
/// socket.
public final class QtestPort: DMAPort {
  /// The bus itself.
  public let kind = DMAPortKind.bus
  /// What was given.
  public let regions: [BusRegion]
  private let socket: QtestSocket

  /// Makes a port.
  ///
  /// - Parameters:
  ///   - socket: of the QEMU whose bus it is.
  ///   - regions: bus addresses to reach by it, as start and size in bytes.
  public init(_ socket: QtestSocket, regions: [(start: UInt64, size: UInt64)]) {
    self.socket = socket
    self.regions = regions.map { BusRegion(start: $0.start, size: $0.size) }
  }

  /// Makes a port with a connection of its own.
  public convenience init(
    path: String, regions: [(start: UInt64, size: UInt64)], timeout: UInt64 = 5000
  ) throws(PeerGPUError) {
    self.init(try QtestSocket(path: path, timeout: timeout), regions: regions)
  }

  func command(_ line: String) throws(DMAError) -> String { try socket.command(line) }

  /// Reads by `b64read`.
  public func read(
    _ address: UInt64, into target: UnsafeMutableRawBufferPointer
  ) throws(DMAError) {
    try socket.access { $0.read(address, into: target) }
  }

  /// Writes by `b64write`.
  public func write(_ address: UInt64, from source: UnsafeRawBufferPointer) throws(DMAError) {
    try socket.access { $0.write(address, from: source) }
  }
}
