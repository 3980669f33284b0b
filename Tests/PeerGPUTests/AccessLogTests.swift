// SPDX-License-Identifier: Apache-2.0

import CDeviceABI
import Foundation
import Glibc
import PeerGPU
import SimulatedDriver
import Testing

@Suite struct AccessLogTests {
  /// The contract's lines, byte for byte but for time.
  @Test func linesReadAsAgreed() throws {
    let rig = try Rig()
    let tables = try rig.bind(5)
    let heap = rig.driver.allocate(8192)
    tables.map(Rig.address, pages: 2, to: .bus(Rig.memoryBus + 4096), generation: 4096 + 7)
    tables.map(Rig.address + 8192, pages: 2, to: .video(heap), generation: 8)
    _ = try rig.driver.run(5, .copy(from: Rig.address + 8, to: Rig.address + 8192, length: 8184))
    rig.driver.invalidate(5, Rig.address, length: 8192, generation: 4096 + 7)
    tables.unmap(Rig.address, pages: 2)
    rig.driver.answerFaults { _ in UInt32(EFAULT) }
    _ = try rig.driver.run(5, .atomic(CROSSBAR_GPU_ATOMIC_ADD, Rig.address, 1))
    rig.driver.stopFaults()
    rig.driver.unbind(5)
    rig.driver.reset()
    rig.driver.unbind(5)
    rig.device.stop()
    let text = try String(contentsOfFile: rig.logPath, encoding: .utf8)
    let lines = text.split(separator: "\n").map {
      String($0.replacing(/"ns":\d+/, with: "\"ns\":0"))
    }
    let video = String(heap, radix: 16)
    let expected = [
      #"{"t":"bind","n":1,"ns":0,"as":5}"#,
      #"{"t":"dma","n":2,"ns":0,"as":5,"fence":1,"va":"0x7f0000000008","bus":"0x100001008","#
        + #""len":8184,"write":false,"port":"memory","gen":7}"#,
      #"{"t":"dma","n":3,"ns":0,"as":5,"fence":1,"va":"0x7f0000002000","bus":"0x"# + video
        + #"","len":8184,"write":true,"port":"video","gen":8}"#,
      #"{"t":"fence","n":4,"ns":0,"as":5,"fence":1,"op":"copy","status":0,"bytes":8184}"#,
      #"{"t":"invalidate","n":5,"ns":0,"as":5,"va":"0x7f0000000000","len":"0x2000","gen":4103,"#
        + #""index":1}"#,
      #"{"t":"fault","n":6,"ns":0,"as":5,"seq":1,"va":"0x7f0000000000","len":"0x8","#
        + #""access":"atomic","fence":2}"#,
      #"{"t":"reply","n":7,"ns":0,"as":5,"seq":1,"error":14}"#,
      #"{"t":"fence","n":8,"ns":0,"as":5,"fence":2,"op":"atomic","status":14,"bytes":0}"#,
      #"{"t":"unbind","n":9,"ns":0,"as":5}"#,
      #"{"t":"reset","n":10,"ns":0}"#,
      #"{"t":"error","n":11,"ns":0,"as":5,"error":2,"text":"control request 2, not bound"}"#,
    ]
    #expect(lines == expected)
    #expect(rig.device.counters().lastLogNumber == 11)
  }

  @Test func numbersAreOneOrderAndTimeRuns() throws {
    let rig = try Rig()
    for space in 0..<UInt32(4) {
      let tables = try rig.bind(space)
      tables.map(Rig.address, pages: 1024, to: .bus(Rig.memoryBus), generation: 1)
    }
    for _ in 0..<50 {
      for space in 0..<UInt32(4) { rig.driver.submit(space, .crc32c(Rig.address, length: 4 << 20)) }
    }
    for space in 0..<UInt32(4) { #expect(rig.driver.wait(space, for: 50) != nil) }
    let lines = try rig.log()
    #expect(lines.compactMap(\.n) == Array(1...UInt64(lines.count)))
    let times = lines.compactMap(\.ns)
    #expect(zip(times, times.dropFirst()).allSatisfy { $0 <= $1 })
    let bytes = lines.filter { $0.t == "dma" }.reduce(0) { $0 + ($1.length ?? 0) }
    #expect(bytes == 4 * 50 * 4 << 20)
    #expect(rig.device.counters().bytes["memory"]?.read == bytes)
  }

  @Test func contiguousFramesAreOneRunOf1MiBAtMost() throws {
    let rig = try Rig()
    let tables = try rig.bind(0)
    tables.map(Rig.address, pages: 300, to: .bus(Rig.memoryBus), generation: 1)
    tables.map(
      Rig.address + 50 * 4096, pages: 1, to: .bus(Rig.memoryBus + 50 * 4096), generation: 2)
    tables.map(Rig.address + 60 * 4096, pages: 1, to: .bus(Rig.memoryBus), generation: 1)
    _ = try rig.driver.run(0, .crc32c(Rig.address, length: 300 * 4096))
    let lengths = try rig.log().compactMap(\.length).map { $0 / 4096 }
    #expect(lengths == [50, 1, 9, 1, 195, 44])
  }

  @Test func aLogThatIsFullSaysSo() throws {
    let rig = try Rig(logLimit: 5000)
    let tables = try rig.bind(0)
    tables.map(Rig.address, pages: 1, to: .bus(Rig.memoryBus), generation: 1)
    for _ in 0..<200 { _ = try rig.driver.run(0, .crc32c(Rig.address, length: 4096)) }
    rig.device.stop()
    let text = try String(contentsOfFile: rig.logPath, encoding: .utf8)
    #expect(text.hasSuffix("}\n{\"t\":\"truncated\"}\n"))
    #expect(text.utf8.count < 5100)
    #expect(rig.device.counters().lastLogNumber == 401)
  }

  @Test func aPathThatCannotBeWrittenIsNamed() throws {
    let directory = try temporaryDirectory()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let memory = try VideoMemory(size: 8 << 20)
    let error = #expect(throws: PeerGPUError.self) {
      try GPUDevice(memory: memory, socketPath: "\(directory)/s", logPath: "\(directory)/no/log")
    }
    #expect(
      error?.description
        == "Can't write the access log \(directory)/no/log: No such file or directory.")
  }
}
