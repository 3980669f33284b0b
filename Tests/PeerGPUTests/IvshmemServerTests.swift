// SPDX-License-Identifier: Apache-2.0

import CDeviceABI
import Foundation
import Glibc
import PeerGPU
import SimulatedDriver
import Testing

@Suite struct IvshmemServerTests {
  /// QEMU, docs/specs/ivshmem-spec.rst, "Client protocol".
  @Test func messagesComeInTheProtocolsOrder() throws {
    let directory = try temporaryDirectory()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let memory = try VideoMemory(size: 8 << 20)
    let server = try IvshmemServer(path: "\(directory)/s", memory: memory)
    let client = try IvshmemClient(path: "\(directory)/s")
    var messages: [IvshmemClient.Message] = []
    for _ in 0..<9 { messages.append(try #require(client.receive())) }
    defer { for message in messages where message.descriptor >= 0 { close(message.descriptor) } }
    #expect(messages.map(\.number) == [0, 1, -1, 0, 0, 0, 1, 1, 1])
    #expect(
      messages.map { $0.descriptor >= 0 } == [false, false] + Array(repeating: true, count: 7))
    var status = stat()
    #expect(fstat(messages[2].descriptor, &status) == 0)
    #expect(status.st_size == 8 << 20)
    var magic: UInt64 = 0
    #expect(pread(messages[2].descriptor, &magic, 8, 0) == 8)
    #expect(magic == CROSSBAR_GPU_MAGIC)
    #expect(client.receive() == nil)
    server.stop()
  }

  @Test func onlyOneQEMUMayConnectAndTheSocketGoes() throws {
    let rig = try Rig()
    #expect(access(rig.socketPath, F_OK) != 0)
    #expect(rig.device.server.isConnected)
    #expect(throws: DriverError.self) { try IvshmemClient(path: rig.socketPath) }
  }

  @Test func stopWithoutAnyConnectionRemovesTheSocket() throws {
    let directory = try temporaryDirectory()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let path = "\(directory)/s"
    let memory = try VideoMemory(size: 8 << 20)
    let server = try IvshmemServer(path: path, memory: memory)
    #expect(access(path, F_OK) == 0)
    server.stop()
    server.stop()
    #expect(access(path, F_OK) != 0)
  }

  @Test func theEngineLivesOnWhenQEMUEnds() throws {
    let directory = try temporaryDirectory()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let device = try GPUDevice(
      memory: VideoMemory(size: 8 << 20), socketPath: "\(directory)/s", logPath: "\(directory)/l")
    var driver: SimulatedDriver? = try SimulatedDriver(path: "\(directory)/s")
    #expect(device.server.isConnected)
    #expect(driver?.bind(0, root: driver?.allocate() ?? 0) == true)
    driver = nil
    for _ in 0..<10_000 where device.server.isConnected { usleep(1000) }
    #expect(!device.server.isConnected)
    device.stop()
    #expect(try LogLine.read("\(directory)/l").map(\.t) == ["bind"])
  }

  @Test func pathsThatNoSocketHasAreRefused() throws {
    let memory = try VideoMemory(size: 8 << 20)
    let long = "/tmp/" + String(repeating: "x", count: 110)
    let error = #expect(throws: PeerGPUError.self) {
      try IvshmemServer(path: long, memory: memory)
    }
    #expect(error?.problem == "a socket's path is 107 bytes at most")
    #expect(throws: PeerGPUError.self) { try IvshmemServer(path: "/tmp", memory: memory) }
  }
}
