// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@testable import Verification

/// When the driver may give back what it has mapped.
@Suite struct SanitizerReleaseTests {
  private static let va: UInt64 = 0x7F00_0000_0000
  private static let index: UInt32 = 41

  /// Two pages, mapped in generation 3.
  private var mapped: Scene {
    var scene = Scene()
    scene.expectsUnbinding = true
    scene.window(.memory)
    scene.bind()
    scene.map(va: Self.va, pages: 2, frame: 0x5000, gen: 3)
    return scene
  }

  private func revoked(
    _ scene: Scene, va: UInt64 = va, length: UInt64 = 8192, index: UInt32 = index
  ) -> Scene {
    var scene = scene
    scene.invalidate(va: va, length: length, gen: 3, index: index)
    scene.acknowledged(va: va, length: length, gen: 3, index: index)
    return scene
  }

  @Test(
    arguments: [(41, 42), (41, 100), (UInt32.max, 0), (UInt32.max - 5, 3)] as [(UInt32, UInt32)])
  func acknowledgedPagesMayGo(index: UInt32, tail: UInt32) {
    var scene = revoked(mapped, index: index)
    scene.unmap(va: Self.va, pages: 2, tail: tail)
    scene.unbind()
    #expect(scene.report.isClean, "\(scene.report.findings)")
    #expect(scene.report.limitations.isEmpty)
  }

  @Test(
    arguments: [(41, 41), (41, 7), (0, UInt32.max), (UInt32.max, UInt32.max)] as [(UInt32, UInt32)])
  func notBeforeTheEngineHasAcknowledged(index: UInt32, tail: UInt32) throws {
    var scene = revoked(mapped, index: index)
    scene.unmap(va: Self.va, pages: 2, tail: tail)
    scene.unbind()
    #expect(scene.kinds == [.wrongRelease: 1])
    let finding = try #require(scene.report.findings.first)
    #expect(finding.sentence.contains("before the engine had acknowledged"))
    #expect(finding.caseName == "a case")
    #expect(finding.evidence.first?.contains("invalidate va=0x7f0000000000 len=0x2000") == true)
    #expect(finding.evidence.last?.contains("ivgpu_unmap: as=0 va=0x7f0000000000 pages=2") == true)
  }

  @Test func anInvalidationOfOtherPagesIsNoLeave() {
    var half = revoked(mapped, length: 4096)
    half.unmap(va: Self.va, pages: 1, tail: 42)
    var whole = half
    whole.unmap(va: Self.va + 4096, pages: 1, tail: 42)
    half.unbind()
    #expect(half.report.isClean)
    whole.unbind()
    #expect(whole.kinds == [.wrongRelease: 1])
  }

  @Test func aPageThatWasMappedAgainNeedsAnotherOne() {
    var scene = revoked(mapped)
    scene.unmap(va: Self.va, pages: 2, tail: 42)
    scene.map(va: Self.va, frame: 0x9000, gen: 4)
    scene.unmap(va: Self.va, tail: 42)
    scene.unbind()
    #expect(scene.kinds == [.wrongRelease: 1])
  }

  @Test func aPageGoesOnce() {
    var scene = revoked(mapped)
    scene.unmap(va: Self.va, pages: 2, tail: 42)
    scene.unmap(va: Self.va, tail: 42)
    scene.unbind()
    #expect(scene.kinds == [.wrongRelease: 1])
    #expect(scene.report.findings.first?.sentence.contains("had not mapped") == true)
    scene.unmap(va: Self.va, tail: 42)
    #expect(scene.kinds == [.wrongRelease: 2])
  }

  @Test func everyPageGoes() {
    var scene = mapped
    scene.live[0]?.remove(Self.va)
    scene.unbind()
    #expect(scene.kinds == [.leakedMapping: 1])
    #expect(scene.report.findings.first?.sentence.contains("1 pages of address space 0") == true)
  }

  @Test(arguments: ["none", "reset", "die"])
  func withoutAnAnswerThereMustBeAReset(event: String) {
    var scene = mapped
    scene.unbound()
    if event != "none" { scene.event(event, event == "reset" ? "count=1" : "") }
    scene.unmap(va: Self.va, pages: 2, tail: 0)
    scene.event("unbind", "as=0 error=-5 control=0")
    #expect(scene.kinds == (event == "none" ? [.wrongRelease: 1] : [:]), "\(scene.report.findings)")
  }

  /// A fault may be in service while the engine is reset; its generation goes on from before.
  @Test func whatIsMappedAfterAResetNeedsNoAnswer() {
    var scene = mapped
    scene.reset()
    scene.bind()
    scene.event("reset", "count=2")
    scene.wasReset()
    scene.map(va: Self.va, frame: 0x5000, gen: 50)
    scene.unmap(va: Self.va, tail: 0)
    scene.bind()
    scene.unbind()
    #expect(scene.report.isClean, "\(scene.report.findings)")
  }

  /// The engine may have been reset before it saw the request, or after.
  @Test(arguments: [false, true])
  func aBindThatAResetEndedIsNoLife(isKnown: Bool) {
    var scene = Scene()
    scene.expectsUnbinding = true
    scene.event("bind", "as=0 pid=123 root=0x200000")
    if isKnown { scene.bound() }
    scene.reset()
    scene.event("unbind", "as=0 error=-116 control=3")
    scene.bind()
    scene.map(va: Self.va, frame: 0x5000, gen: 1)
    scene.command(1) { $0.access(va: Self.va, bus: 0x5000, gen: 1) }
    scene.unbind()
    #expect(scene.report.isClean, "\(scene.report.findings)")
    #expect(scene.report.limitations.isEmpty)
  }

  @Test func theAnswerToUnbindComesFirst() {
    var scene = mapped
    scene.unbound()
    scene.unmap(va: Self.va, pages: 2, tail: 7)
    scene.event("unbind", "as=0 error=0 control=7")
    #expect(scene.kinds == [.wrongRelease: 1])
  }

  @Test func addressSpacesEndWithTheirPrograms() {
    var scene = mapped
    #expect(scene.kinds == [.leakedMapping: 2])
    scene.expectsUnbinding = false
    #expect(scene.report.isClean)
  }

  @Test func anotherDevicesEventsAreItsOwn() {
    var scene = mapped
    scene.unbind()
    let own = DriverTrace(trace: Data(scene.traceText.utf8))
    let other = scene.traceText.replacingOccurrences(of: "rid=0020", with: "rid=0108")
    let both = DriverTrace(trace: Data((scene.traceText + other).utf8))
    #expect(both.entries.count == own.entries.count * 2)
    #expect(both.events(of: 0x20) == own)
    #expect(both.events(of: 0x108).entries.count == own.entries.count)
    #expect(both.events(of: 0x30).entries.isEmpty)
  }

  /// As `trace_pipe` may tell what two processors did.
  @Test func eventsComeInTheOrderOfTheirTimes() {
    var scene = revoked(mapped)
    scene.unmap(va: Self.va, pages: 2, tail: 42)
    scene.unbind()
    let lines = scene.traceText.split(separator: "\n", omittingEmptySubsequences: false)
    var late = lines
    // The pages are given back before they are mapped, as the text has it.
    let map = late.remove(at: late.firstIndex { $0.contains("ivgpu_map") } ?? 0)
    late.insert(map, at: (late.firstIndex { $0.contains("ivgpu_unmap") } ?? 0) + 1)
    #expect(late != lines)
    let report = scene.report(scene.logText, trace: late.joined(separator: "\n"))
    #expect(report.isClean, "\(report.findings)")
  }

  @Test func moreThanThereCanBeIsNotLookedAt() {
    var scene = mapped
    for number in 1..<200 {
      scene.event(
        "map",
        "as=0 va=0x\(String(number << 44, radix: 16)) pages=4294967295 frame=0x0 generation=1 "
          + "source=fallback writable=1")
    }
    let report = scene.report
    #expect(report.isClean)
    #expect(report.limitations.count == 1)
  }
}
