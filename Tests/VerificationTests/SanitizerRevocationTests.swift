// SPDX-License-Identifier: Apache-2.0

import Testing
import Verification

@Suite struct SanitizerRevocationTests {
  static let va: UInt64 = 0x7F00_0000_0000
  static let frame: UInt64 = 0x200_0000

  /// One page is mapped, used, and ended; `body` goes on from there. Two pages more lie around it.
  /// The generations before have ended elsewhere.
  private func scene(
    first gen: UInt64 = 5, trace: Bool = true, _ body: (inout Scene) -> Void
  ) -> Scene {
    var scene = Scene()
    scene.hasTrace = trace
    scene.bind()
    scene.acknowledged(va: 0x1000, length: 0x1000, gen: gen - 1)
    scene.map(va: Self.va - 4096, pages: 3, frame: Self.frame - 4096, gen: gen)
    scene.command(1) { scene in
      scene.access(va: Self.va, bus: Self.frame, gen: gen)
      scene.invalidate(va: Self.va, length: 4096, gen: gen)
      scene.access(va: Self.va, bus: Self.frame, gen: gen)
      scene.acknowledged(va: Self.va, length: 4096, gen: gen)
      body(&scene)
    }
    scene.unbind()
    return scene
  }

  @Test(arguments: [true, false], [5, 4095, 4096, 4097, 8191])
  func anAccessBehindTheAcknowledgmentIsUseAfterRevoke(trace: Bool, gen: UInt64) {
    let scene = scene(first: gen, trace: trace) {
      $0.access(va: Self.va + 4095, bus: Self.frame + 4095, length: 1, gen: gen)
    }
    #expect(scene.kinds == [.useAfterRevoke: 1])
    let finding = scene.report.findings.first
    #expect(finding?.lines == [6, 5])
    #expect(finding?.sentence.contains("after the engine had acknowledged its end") == true)
  }

  @Test(arguments: [true, false])
  func bytesBesideTheRangeAreAlive(trace: Bool) {
    let scene = scene(trace: trace) {
      $0.access(va: Self.va - 1, bus: Self.frame - 1, length: 1, gen: 5)
      $0.access(va: Self.va + 4096, bus: Self.frame + 4096, length: 1, gen: 5)
    }
    #expect(scene.report.isClean, "\(scene.report)")
    let over = self.scene(trace: trace) {
      $0.access(va: Self.va - 1, bus: Self.frame - 1, length: 2, gen: 5)
    }
    #expect(over.kinds == [.useAfterRevoke: 1])
  }

  @Test(arguments: [true, false], [5, 4094, 4095, 4096, 8191])
  func aNewerGenerationIsAlive(trace: Bool, gen: UInt64) {
    let scene = scene(first: gen, trace: trace) {
      $0.map(va: Self.va, frame: Self.frame, gen: gen + 1)
      $0.access(va: Self.va, bus: Self.frame, gen: gen + 1)
    }
    #expect(scene.report.isClean, "\(scene.report)")
  }

  @Test(arguments: [true, false])
  func theFirstGenerationOfTheNextTurnIsNotZeroOfTheLast(trace: Bool) {
    let old = scene(first: 4096, trace: trace) {
      $0.map(va: Self.va, frame: Self.frame, gen: 4097)
      $0.access(va: Self.va, bus: Self.frame, gen: 4096)
    }
    #expect(old.kinds == [.useAfterRevoke: 1])
  }

  @Test func anOldMappingMayLiveThroughManyGenerations() {
    var scene = Scene()
    scene.bind()
    scene.map(va: Self.va, frame: Self.frame, gen: 5)
    for gen: UInt64 in 5..<9000 {
      scene.invalidate(va: 0x1000, length: 0x1000, gen: gen)
      scene.acknowledged(va: 0x1000, length: 0x1000, gen: gen)
    }
    scene.access(va: Self.va, bus: Self.frame, gen: 5)
    #expect(scene.report.isClean, "\(scene.report)")
    scene.hasTrace = false
    #expect(scene.report.isClean, "\(scene.report)")
  }

  @Test func aLaterMappingWithTheSameResidueDoesNotExcuse() {
    var scene = Scene()
    scene.bind()
    scene.map(va: Self.va, frame: Self.frame, gen: 5)
    scene.invalidate(va: Self.va, length: 4096, gen: 5)
    scene.acknowledged(va: Self.va, length: 4096, gen: 5)
    scene.access(va: Self.va, bus: Self.frame, gen: 5)
    scene.map(va: Self.va, frame: Self.frame, gen: 4101)
    #expect(scene.kinds == [.useAfterRevoke: 1])
  }

  @Test func everythingIsRevokedByLengthZero() {
    let scene = scene {
      $0.acknowledged(va: 0, length: 0, gen: 6)
      $0.access(va: Self.va - 4096, bus: Self.frame - 4096, gen: 5)
    }
    #expect(scene.kinds == [.useAfterRevoke: 1])
  }

  @Test func anUnboundAddressSpaceIsNotAccessed() {
    var scene = Scene()
    scene.bind()
    scene.map(va: Self.va, frame: Self.frame, gen: 1)
    scene.access(va: Self.va, bus: Self.frame, gen: 1)
    scene.unbind()
    #expect(scene.report.isClean)
    var after = scene
    after.access(va: Self.va, bus: Self.frame, gen: 1)
    #expect(after.kinds == [.useAfterRevoke: 1])
    scene.bind()
    scene.reset()
    scene.access(va: Self.va, bus: Self.frame, gen: 1)
    #expect(scene.kinds == [.useAfterRevoke: 1])
    var other = Scene()
    other.bind(1)
    other.access(0, va: Self.va, bus: Self.frame, gen: 1)
    #expect(other.kinds == [.useAfterRevoke: 1])
  }

  @Test(arguments: [true, false])
  func whatIsForgottenAfterTheAcknowledgmentWasAcknowledgedTooEarly(byFault: Bool) {
    let scene = scene {
      $0.access(va: Self.va, bus: Self.frame, gen: 5)
      if byFault {
        $0.raised(seq: 1, va: Self.va)
        $0.replied(seq: 1)
      }
      $0.map(va: Self.va, frame: Self.frame, gen: 6)
      $0.access(va: Self.va, bus: Self.frame, gen: 6)
    }
    #expect(scene.kinds == [.lateAcknowledgment: 1])
    #expect(scene.report.findings.first?.lines == [6, 5, 7])
  }

  @Test func whatTheNextInvalidationForgetsWasNotLate() {
    let scene = scene {
      $0.access(va: Self.va, bus: Self.frame, gen: 5)
      $0.invalidate(va: Self.va, length: 1, gen: 6)
      $0.acknowledged(va: Self.va, length: 1, gen: 6)
      $0.raised(seq: 1, va: Self.va)
      $0.replied(seq: 1)
    }
    #expect(scene.kinds == [.useAfterRevoke: 1])
    let beside = self.scene {
      $0.access(va: Self.va, bus: Self.frame, gen: 5)
      $0.raised(seq: 1, va: Self.va + 4096)
      $0.replied(seq: 1)
    }
    #expect(beside.kinds == [.useAfterRevoke: 1])
  }

  @Test func onlyTheFirstFindingsAreKept() {
    let scene = scene {
      for _ in 0..<100 { $0.access(va: Self.va, bus: Self.frame, gen: 5) }
    }
    #expect(scene.kinds == [.useAfterRevoke: 100])
    #expect(scene.report.findings.count == 20)
  }
}
