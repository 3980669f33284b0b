// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Testing

@testable import PeerGPU

/// A QEMU whose CPU stands still and whose bus is reached by its qtest socket: 64 MiB of RAM at 0, and an NVMe
/// controller's memory buffer of 16 MiB at ``cmb``.
final class QEMUProcess {
  static let cmb: UInt64 = 0xe000_0000
  static let cmbSize: UInt64 = 16 << 20
  static let path = "/usr/bin/qemu-system-x86_64"

  let socket: String
  private let process = Process()
  private let directory: String

  init() throws {
    directory = try temporaryDirectory()
    socket = "\(directory)/q"
    process.executableURL = URL(fileURLWithPath: Self.path)
    process.arguments = [
      "-machine", "q35,accel=tcg", "-S", "-m", "64", "-nodefaults", "-display", "none",
      "-qtest", "unix:\(socket),server=on,wait=off", "-qtest-log", "none",
      "-device", "nvme,serial=x,cmb_size_mb=16,legacy-cmb=on,addr=04.0",
    ]
    try process.run()
    for _ in 0..<5000 where access(socket, F_OK) != 0 { usleep(1000) }
  }

  deinit {
    kill()
    try? FileManager.default.removeItem(atPath: directory)
  }

  /// Connects and places BAR 2, the memory buffer, by configuration mechanism 1 (PCI 3.0, 3.2.2.3).
  func port(timeout: UInt64 = 5000) throws -> QtestPort {
    var port: QtestPort?
    for _ in 0..<1000 where port == nil {
      port = try? QtestPort(
        path: socket, regions: [(Self.cmb, Self.cmbSize), (0, 64 << 20)], timeout: timeout)
      if port == nil { usleep(1000) }
    }
    let connected = try #require(port)
    for (register, value) in [(0x18, Self.cmb), (0x1c, 0), (0x04, 6)] {
      let address = 0x8000_0000 | 4 << 11 | register
      _ = try connected.command("outl 0xcf8 0x\(String(address, radix: 16))")
      _ = try connected.command("outl 0xcfc 0x\(String(value, radix: 16))")
    }
    return connected
  }

  func suspend() { Glibc.kill(process.processIdentifier, SIGSTOP) }

  func kill() {
    guard process.isRunning else { return }
    Glibc.kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
  }
}
