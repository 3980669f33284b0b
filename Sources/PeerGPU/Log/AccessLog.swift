// SPDX-License-Identifier: Apache-2.0

import CDeviceABI
import Glibc

/// Everything that the engine did, one JSON object a line, numbered in one total order.
///
/// A line for a DMA is numbered before the access begins, a line for an acknowledgment before the
/// guest can see it: so an access with a higher number than an invalidation began after it.
/// Lines are kept in memory, and written when there are many, after 200 ms, by ``flush()`` and at the
/// end.
final class AccessLog: Sendable {
  private let lock: Monitor
  private let output: LogOutput
  private let writer: WorkerThread

  /// - Parameters:
  ///   - limit: bytes after which nothing but a last line is written.
  ///   - backlog: bytes that may wait for the disk before the engine does.
  init(path: String, limit: UInt64, backlog: Int) throws(PeerGPUError) {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw PeerGPUError("write the access log \(path)", code: errno) }
    let lock = Monitor()
    let output = LogOutput(descriptor: descriptor, limit: limit, backlog: backlog, lock: lock)
    self.lock = lock
    self.output = output
    writer = try WorkerThread("gpu-log") { output.writeAll() }
  }

  deinit {
    lock.locked { output.end() }
    writer.join()
  }

  /// The number of the last line.
  var lastNumber: UInt64 { lock.locked { output.number } }

  /// Bytes of memory that lines take up which are not written yet.
  var held: UInt64 { lock.locked { UInt64(output.held) } }

  /// Writes what is kept in memory, and waits for that.
  func flush() { lock.locked { output.flush() } }

  /// One line for each of the accesses, in order.
  func dma(_ space: UInt32, fence: UInt64, _ accesses: [Access], write: Bool) {
    lock.locked {
      var now = MonotonicTime.now
      for access in accesses {
        output.keep("dma", &now) { line in
          line.append(",\"as\":")
          line.append(UInt64(space))
          line.append(",\"fence\":")
          line.append(fence)
          line.append(",\"va\":")
          line.appendHex(access.virtual)
          line.append(",\"bus\":")
          line.appendHex(access.logged)
          line.append(",\"len\":")
          line.append(UInt64(truncatingIfNeeded: access.length))
          line.append(write ? ",\"write\":true,\"port\":\"" : ",\"write\":false,\"port\":\"")
          line.append(access.loggedKind.staticName)
          line.append("\",\"gen\":")
          line.append(UInt64(access.generation))
        }
      }
    }
  }

  func invalidate(_ space: UInt32, _ request: crossbar_gpu_request, index: UInt32) {
    write("invalidate") { line in
      line.append(",\"as\":")
      line.append(UInt64(space))
      line.append(",\"va\":")
      line.appendHex(request.address)
      line.append(",\"len\":")
      line.appendHex(request.length)
      line.append(",\"gen\":")
      line.append(request.generation)
      line.append(",\"index\":")
      line.append(UInt64(index))
    }
  }

  func bind(_ space: UInt32) { write("bind") { $0.append(space) } }

  func unbind(_ space: UInt32) { write("unbind") { $0.append(space) } }

  func fault(_ fault: crossbar_gpu_fault) {
    write("fault") { line in
      line.append(fault.address_space)
      line.append(",\"seq\":")
      line.append(fault.sequence)
      line.append(",\"va\":")
      line.appendHex(fault.address)
      line.append(",\"len\":")
      line.appendHex(fault.length)
      line.append(",\"access\":\"")
      line.append(AccessKind(fault.access)?.name ?? "unknown")
      line.append("\",\"fence\":")
      line.append(fault.fence)
    }
  }

  func reply(_ space: UInt32, sequence: UInt64, error: UInt32) {
    write("reply") { line in
      line.append(space)
      line.append(",\"seq\":")
      line.append(sequence)
      line.append(",\"error\":")
      line.append(UInt64(error))
    }
  }

  func fence(
    _ space: UInt32, _ result: crossbar_gpu_result, of command: crossbar_gpu_command,
    digest: PayloadDigest?
  ) {
    write("fence") { line in
      line.append(space)
      line.append(",\"fence\":")
      line.append(result.fence)
      line.append(",\"op\":\"")
      line.append(Opcode(rawValue: command.opcode)?.name ?? "unknown")
      line.append("\",\"status\":")
      line.append(UInt64(result.status))
      line.append(",\"bytes\":")
      line.append(result.bytes)
      guard let digest else { return }
      line.append(",\"len\":")
      line.append(command.length)
      line.append(",\"value\":")
      line.appendHex(result.value)
      line.append(",\"taken\":")
      line.appendHex(UInt64(digest.taken))
      line.append(",\"given\":")
      line.appendHex(UInt64(digest.given))
    }
  }

  func reset() { write("reset") { _ in } }

  func error(_ space: UInt32, _ error: DeviceError, _ text: String) {
    write("error") { line in
      line.append(space)
      line.append(",\"error\":")
      line.append(UInt64(error.rawValue))
      line.append(",\"text\":")
      line.appendText(text)
    }
  }

  private func write(_ type: StaticString, _ body: (inout LogLine) -> Void) {
    lock.locked {
      var now = MonotonicTime.now
      output.keep(type, &now, body)
    }
  }
}

extension LogLine {
  /// The member "as".
  fileprivate mutating func append(_ space: UInt32) {
    append(",\"as\":")
    append(UInt64(space))
  }
}

extension DMAPortKind {
  var staticName: StaticString {
    switch self {
    case .video: "video"
    case .memory: "memory"
    case .bar: "bar"
    case .bus: "bus"
    case .none: "none"
    }
  }
}
