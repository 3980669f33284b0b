// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@testable import Verification

@Suite struct SanitizerLogTests {
  /// Every kind of line.
  private var scene: Scene { scene(hasError: true) }

  /// The same without a finding.
  private var cleanScene: Scene { scene(hasError: false) }

  private func scene(hasError: Bool) -> Scene {
    var scene = Scene()
    scene.bind()
    scene.map(va: 0x1000, frame: 0x1000, gen: 1)
    scene.command(1) { scene in
      scene.raised(seq: 1, va: 0x1000, access: "atomic")
      scene.answer(seq: 1, va: 0x1000, error: -14)
      scene.replied(seq: 1, error: 14)
      scene.access(va: 0x1000, bus: 0x1000, write: true, gen: 1)
      scene.invalidate(va: 0x1000, length: 0x1000, gen: 1, index: 77)
      scene.acknowledged(va: 0x1000, length: 0x1000, gen: 1, index: 77)
    }
    if hasError { scene.line("error", ",\"as\":4000000000,\"error\":2,\"text\":\"\\\"}{\\\\\"") }
    scene.unbind()
    scene.reset()
    return scene
  }

  private func log(_ text: String) -> AccessLog { AccessLog(log: Data(text.utf8)) }
  private func trace(_ text: String) -> DriverTrace { DriverTrace(trace: Data(text.utf8)) }

  @Test func readsEveryKindOfLine() {
    let log = log(scene.logText)
    #expect(log.wrongLineCount == 0, "\(log.wrongLines)")
    let events = [
      "bind", "fault seq=1 va=0x1000 len=0x1000 access=atomic fence=1", "reply seq=1 error=14",
      "write fence=1 va=0x1000 bus=0x1000 len=4096 port=memory gen=1",
      "invalidate va=0x1000 len=0x1000 gen=1 index=77", "fence fence=1 status=0", "error error=2",
      "unbind", "reset",
    ]
    #expect(log.entries.map(\.event.description) == events)
    #expect(log.entries.map(\.line) == Array(1...9))
    #expect(log.entries.map(\.n) == Array(1...9))
    #expect(log.entries.map(\.addressSpace) == [0, 0, 0, 0, 0, 0, 255, 0, 255])
  }

  @Test func theOrderOfMembersAndSpacesDoNotMatter() {
    let log = log("{ \"as\" : 3, \"n\":1 ,\"later\":true, \"ns\":5,\"t\":\"bind\" } \r\n")
    #expect(log.entries.map(\.event) == [.bind])
    #expect(log.entries.first?.addressSpace == 3)
  }

  @Test(arguments: [
    "", "{}", "x", "{\"t\":\"bind\",\"n\":1,\"ns\":1}",
    "{\"t\":\"bind\",\"n\":1,\"ns\":1,\"as\":32}",
    "{\"t\":\"bond\",\"n\":1,\"ns\":1,\"as\":0}", "{\"t\":\"bind\",\"n\":-1,\"ns\":1,\"as\":0}",
    "{\"t\":\"bind\",\"n\":18446744073709551616,\"ns\":1,\"as\":0}",
    "{\"t\":\"bind\",\"n\":1,\"n\":1,\"ns\":1,\"as\":0}",
    "{\"t\":\"bind\",\"n\":1,\"ns\":1,\"as\":0",
    "{\"t\":\"bind\",\"n\":1,\"ns\":1,\"as\":0}}", "{\"t\":\"bind\",\"n\":1,\"ns\":1,\"as\":\"0\"}",
    "{\"t\":\"bind\",\"n\":1,\"ns\":1.5,\"as\":0}", "{\"t\":\"bind\",\"n\":1,\"ns\":1,\"as\":[0]}",
    "{\"t\":\"fence\",\"n\":1,\"ns\":1,\"as\":0,\"fence\":1,\"status\":4294967296}",
    "{\"t\":\"dma\",\"n\":1,\"ns\":1,\"as\":0,\"fence\":1,\"va\":\"0xffffffffffffffff\","
      + "\"bus\":\"0x0\",\"len\":1,\"write\":true,\"port\":\"bus\",\"gen\":1}",
    "{\"t\":\"dma\",\"n\":1,\"ns\":1,\"as\":0,\"fence\":1,\"va\":\"0x0\",\"bus\":\"0x0\",\"len\":1,"
      + "\"write\":true,\"port\":\"bus\",\"gen\":4096}",
    "{\"t\":\"dma\",\"n\":1,\"ns\":1,\"as\":0,\"fence\":1,\"va\":\"0x\",\"bus\":\"0x0\",\"len\":1,"
      + "\"write\":true,\"port\":\"bus\",\"gen\":1}", "{\"t\":\"\\",
  ])
  func wrongLinesAreCountedAndNamed(line: String) {
    var scene = scene
    scene.windows = []
    let text = scene.logText + line + "\n"
    #expect(log(text).wrongLines.map(\.line) == [10])
    let report = scene.report(text)
    #expect(report.counts == [.logDamaged: 1])
    #expect(report.findings.first?.lines == [10])
    #expect(report.limitations.count == 1)
  }

  /// Twenty of a kind, and the first one of each case: none passes because of others' findings.
  @Test func everyCaseKeepsItsFirstFinding() {
    let lines = (1...60).map { "{\"t\":\"bind\",\"n\":\($0),\"ns\":\($0),\"as\":0}\n" }
    let windows = (0..<30).map { number in
      AccessWindow(
        suite: "gpu", number: number, name: "case \(number)",
        entries: UInt64(2 * number + 1)..<UInt64(2 * number + 3), claim: .memory)
    }
    var collector = FindingCollector(
      log: log(lines.joined()), trace: DriverTrace(), windows: windows)
    for entry in 0..<60 { collector.add(.lostFence, entries: [entry]) { "lost" } }
    #expect(collector.counts == [.lostFence: 60])
    #expect(collector.ordered.count == 20 + 20)
    #expect(Set(collector.ordered.compactMap(\.caseNumber)) == Set(0..<30))
  }

  @Test func longLinesAreWrong() {
    let long = log(String(repeating: " ", count: 5000) + "\n" + scene.logText)
    #expect(long.wrongLineCount == 1)
    #expect(long.entries.count == 9)
  }

  @Test func numbersAreWithoutGap() {
    let lines = cleanScene.logText.split(separator: "\n").map(String.init)
    for gone in 0..<lines.count {
      var fewer = lines
      fewer.remove(at: gone)
      let found = cleanScene.report(fewer.joined(separator: "\n")).counts
      #expect(found == (gone == lines.count - 1 ? [:] : [.logDamaged: 1]), "\(gone)")
      let twice = cleanScene.report((lines + [lines[gone]]).joined(separator: "\n")).counts
      #expect(twice == [.logDamaged: 1])
    }
    #expect(cleanScene.report(lines.reversed().joined(separator: "\n")).isClean)
  }

  /// Of a log that ends early, only the engine itself knows that it does.
  @Test func theLastEntryIsTheLastThatTheEngineMade() {
    var scene = cleanScene
    let lines = scene.logText.split(separator: "\n").map(String.init)
    scene.lastNumber = UInt64(lines.count)
    #expect(scene.report.isClean)
    for count in 0..<lines.count {
      let report = scene.report(lines.prefix(count).joined(separator: "\n"))
      #expect(report.counts == [.logDamaged: 1])
      #expect(report.findings.first?.sentence.contains("has made \(lines.count)") == true)
      #expect(report.limitations.count == 1)
    }
  }

  @Test func piecesMayEndAnywhere() {
    let bytes = Array(scene.logText.utf8)
    for size in 1..<40 {
      var parser = AccessLogParser()
      var rest = bytes[...]
      while !rest.isEmpty {
        Array(rest.prefix(size)).withUnsafeBytes { parser.take($0) }
        rest = rest.dropFirst(size)
      }
      let pieces = parser.finish()
      #expect(pieces == log(scene.logText))
    }
  }

  @Test func readsEveryTracepoint() {
    let trace = trace(scene.traceText)
    #expect(trace.isComplete)
    #expect(trace.entries.count == scene.events.count)
    #expect(trace.entries.first?.microseconds == 5_000_001)
    let events = [
      "ivgpu_bind: as=0",
      "ivgpu_map: as=0 va=0x1000 pages=1 frame=0x1000 generation=1 source=fallback writable=1",
      "ivgpu_submit: as=0 fence=1 opcode=1", "ivgpu_fault: as=0 sequence=1 va=0x1000 error=-14",
      "ivgpu_invalidate: as=0 va=0x1000 length=0x1000 generation=1 control=77",
      "ivgpu_complete: as=0 fence=1 status=0",
      "ivgpu_unmap: as=0 va=0x1000 pages=1 tail=268435457",
      "ivgpu_unbind: as=0 error=0 control=268435456", "ivgpu_reset",
    ]
    #expect(trace.entries.map(\.description) == events)
  }

  @Test func theNameOfATaskMayLookLikeAnEvent() {
    let trace = trace(
      " 1.0: ivgpu_un-7       [000] .....     2.000003: ivgpu_unbind: rid=0108 as=3 error=-5 control=7\n"
        + " a: ivgpu_map: -7       [000] .....     2.000004: ivgpu_later: rid=0108 as=3\n"
        + "         <idle>-0       [000] d.h2. 7: irq_handler_entry: irq=4 name=ivgpu\n")
    #expect(trace.entries.map(\.event) == [.unbind(error: -5, index: 7)])
    #expect(trace.entries.first?.requester == 0x108)
    #expect(trace.entries.first?.microseconds == 2_000_003)
    #expect(trace.isComplete)
  }

  @Test(arguments: [
    "CPU:1 [LOST 123 EVENTS]", "CPU:1 [LOST EVENTS]",
    "# entries-in-buffer/entries-written: 140080/250280   #P:4",
  ])
  func lostEventsLimitWhatCanBeFound(line: String) {
    var scene = cleanScene
    scene.log.removeAll { $0.contains("unbind") || $0.contains("reset") }
    scene.access(fence: 2, va: 0x5000, bus: 0x5000, gen: 9)
    #expect(scene.report.counts == [.strayAccess: 1])
    let report = scene.report(scene.logText, trace: scene.traceText + line + "\n")
    #expect(report.isClean)
    #expect(report.limitations.count == 1)
    #expect(report.limitations.first?.contains("lost") == true)
  }

  @Test(arguments: [
    "ivgpu_map: rid=0020 as=1 va=0x1000 pages=1 frame=0x1000 generation=1 source=magic writable=1",
    "ivgpu_map: rid=0020 as=1 va=0xfffffffffffff000 pages=2 frame=0x0 generation=1 source=video "
      + "writable=1",
    "ivgpu_unmap: rid=0020 as=1 va=0xfffffffffffff000 pages=2 tail=1",
    "ivgpu_unmap: rid=0020 as=1 va=0x1000 pages=1 tail=4294967296",
    "ivgpu_unbind: rid=0020 as=32 error=0 control=1", "ivgpu_unbind: rid=0020 as=1",
    "ivgpu_unbind: rid=0020 as=1 error=0 control=1 and more",
    "ivgpu_unbind: as=1 error=0 control=1", "ivgpu_unbind: rid=10020 as=1 error=0 control=1",
    "ivgpu_complete: rid=0020 as=1 fence=1 status=-1", "ivgpu_reset: ", "ivgpu_reset: rid=0020",
    "ivgpu_reset: count=1", "ivgpu_die: ", "ivgpu_die: rid=0020 as=1",
  ])
  func eventsThatCannotBeReadAreFound(event: String) {
    let line = "        gpucheck-123     [001] d..1.    12.345678: \(event)\n"
    #expect(trace(line).wrongLines == [1])
    let report = cleanScene.report(cleanScene.logText, trace: cleanScene.traceText + line)
    #expect(report.counts == [.logDamaged: 1])
  }

  @Test func aLogThatContradictsItselfIsDamaged() {
    var twice = Scene()
    twice.bind()
    twice.bound()
    #expect(twice.report.counts == [.logDamaged: 1])
    var never = Scene()
    never.unbound()
    #expect(never.report.counts == [.logDamaged: 1])
  }

  @Test func survivesMutatedInput() {
    let log = Array(scene.logText.utf8)
    let trace = Array(scene.traceText.utf8)
    var generator = SeededGenerator(state: 5)
    for _ in 0..<1500 {
      let sanitizer = DMASanitizer(
        log: AccessLog(log: Data(generator.mutate(log))),
        trace: DriverTrace(trace: Data(generator.mutate(trace))), bus: Scene.bus, windows: [])
      _ = sanitizer.report()
    }
  }
}
