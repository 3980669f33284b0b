// SPDX-License-Identifier: Apache-2.0

import CDeviceABI
import Glibc

/// Everything that the engine did, one JSON object a line, numbered in one total order.
///
/// A line for a DMA is numbered before the access begins, a line for an acknowledgment before the
/// guest can see it: so an access with a higher number than an invalidation began after it.
/// Lines are kept in memory and written when there are many, by ``flush()`` and at the end.
///
/// `@unchecked Sendable`: `output` is only touched with `lock` held.
final class AccessLog: @unchecked Sendable {
  private let lock = Monitor()
  private let output: Output

  /// - Parameter limit: bytes after which nothing but a last line is written.
  init(path: String, limit: UInt64) throws(PeerGPUError) {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw PeerGPUError("write the access log \(path)", code: errno) }
    output = Output(descriptor: descriptor, limit: limit)
  }

  /// The number of the last line.
  var lastNumber: UInt64 { lock.locked { output.number } }

  /// Writes what is kept in memory.
  func flush() { lock.locked { output.flush() } }

  /// One line for each of the accesses, in order.
  func dma(_ space: UInt32, fence: UInt64, _ accesses: [Access], write: Bool) {
    lock.locked {
      let now = MonotonicTime.now.nanoseconds
      for access in accesses {
        output.write("dma", now) { line in
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
    lock.locked { output.write(type, MonotonicTime.now.nanoseconds, body) }
  }

  private final class Output {
    private(set) var number: UInt64 = 0
    private let descriptor: CInt
    private let limit: UInt64
    private var written: UInt64 = 0
    private var truncated = false
    private let buffer: UnsafeMutablePointer<UInt8>
    private var filled = 0

    private static let capacity = 128 << 10

    init(descriptor: CInt, limit: UInt64) {
      self.descriptor = descriptor
      self.limit = limit
      buffer = .allocate(capacity: Self.capacity)
    }

    deinit {
      // The buffer is empty: the device has flushed it.
      close(descriptor)
      buffer.deallocate()
    }

    /// Numbers are given to what is beyond the limit as well.
    @inline(__always)
    func write(
      _ type: StaticString, _ nanoseconds: UInt64, _ body: (inout LogLine) -> Void
    ) {
      number &+= 1
      guard !truncated else { return }
      if filled > Self.capacity - LogLine.longest { flush() }
      var line = LogLine(at: buffer + filled)
      line.append("{\"t\":\"")
      line.append(type)
      line.append("\",\"n\":")
      line.append(number)
      line.append(",\"ns\":")
      line.append(nanoseconds)
      body(&line)
      line.append("}\n")
      if written &+ UInt64(filled &+ line.count) > limit {
        truncated = true
        line = LogLine(at: buffer + filled)
        line.append("{\"t\":\"truncated\"}\n")
      }
      filled &+= line.count
    }

    func flush() {
      var done = 0
      while done < filled {
        let count = Glibc.write(descriptor, buffer + done, filled - done)
        if count < 0, errno == EINTR { continue }
        // A full disk: the log ends here, the GPU goes on.
        guard count > 0 else {
          truncated = true
          break
        }
        done += count
      }
      written &+= UInt64(filled)
      filled = 0
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
