// SPDX-License-Identifier: Apache-2.0

import Testing
import Verification

@Suite struct SanitizerCommandTests {
  private func scene(_ body: (inout Scene) -> Void) -> Scene {
    var scene = Scene()
    scene.bind()
    scene.map(va: 0x1000, frame: 0x1000, gen: 1)
    scene.command(1)
    body(&scene)
    return scene
  }

  @Test func aFaultIsAnswered() {
    let answered = scene {
      $0.raised(seq: 9, va: 0x1000)
      $0.answer(seq: 9, va: 0x1000)
      $0.replied(seq: 9)
    }
    #expect(answered.report.isClean)
    let open = scene { $0.raised(seq: 9, va: 0x1000) }
    #expect(open.kinds == [.unansweredFault: 1])
    let lost = scene {
      $0.raised(seq: 9, va: 0x1000)
      $0.answer(seq: 9, va: 0x1000)
    }
    #expect(lost.kinds == [.unansweredFault: 1])
    #expect(lost.report.findings.first?.sentence.contains("the driver says that it did") == true)
  }

  @Test func unbindAndErrorsForgetFaults() {
    let unbound = scene {
      $0.raised(seq: 9, va: 0x1000)
      $0.wait(5)
      $0.unbind()
    }
    #expect(unbound.report.isClean)
    let stopped = scene {
      $0.raised(seq: 9, va: 0x1000)
      $0.line("error", ",\"as\":0,\"error\":3,\"text\":\"a \\\"bad\\\" fence\"")
    }
    #expect(stopped.kinds == [.badEntry: 1])
  }

  @Test(arguments: [(0.5, 0), (1.5, 1)])
  func aResetThatCameOfAFaultWithoutAnAnswerTells(seconds: Double, findings: Int) {
    let scene = scene {
      $0.raised(seq: 9, va: 0x1000)
      $0.wait(seconds)
      $0.reset()
    }
    #expect(scene.report.count(.unansweredFault) == findings)
    #expect(scene.report.counts.count == findings)
  }

  @Test func aReplyBelongsToAFault() {
    #expect(scene { $0.replied(seq: 4) }.kinds == [.logDamaged: 1])
  }

  @Test func aFenceThatIsLeftOutIsLost() {
    var scene = scene {
      $0.submit(2)
      $0.submit(3)
      $0.signalled(3)
      $0.complete(2)
      $0.complete(3)
    }
    #expect(scene.kinds == [.lostFence: 1])
    scene.hasTrace = false
    #expect(scene.kinds == [.lostFence: 1])
  }

  @Test func aFenceThatNeverComesIsLost() {
    #expect(scene { $0.submit(2) }.kinds == [.lostFence: 1])
    let waiting = scene {
      $0.submit(2)
      $0.submit(3)
    }
    #expect(waiting.kinds == [.lostFence: 1])
  }

  @Test(arguments: [true, false], [(1, 0.5, 0), (1, 1.5, 1), (6, 1.5, 0)])
  func aCommandThatIsForgottenIsNotLost(byReset: Bool, _ given: (Int, Double, Int)) {
    let (opcode, seconds, findings) = given
    var scene = scene {
      $0.submit(2, opcode: opcode)
      $0.wait(seconds)
    }
    if byReset { scene.reset() } else { scene.unbind() }
    #expect(scene.report.count(.lostFence) == findings)
    #expect(scene.report.counts.count == findings)
  }

  @Test func aCommandThatWorksUntilTheResetIsNotLost() {
    let busy = scene {
      $0.submit(2)
      $0.wait(3)
      $0.access(fence: 2, va: 0x1000, bus: 0x1000, gen: 1)
      $0.reset()
    }
    #expect(busy.report.isClean, "\(busy.report)")
    let idle = scene {
      $0.wait(3)
      $0.submit(2)
      $0.unbind()
    }
    #expect(idle.report.isClean, "\(idle.report)")
  }

  @Test func aSignalThatTheDriverDoesNotSeeIsLost() {
    let never = scene {
      $0.submit(2)
      $0.signalled(2)
    }
    #expect(never.kinds == [.lostFence: 1])
    for (seconds, findings) in [(0.5, 0), (1.5, 1)] {
      let scene = scene {
        $0.submit(2)
        $0.signalled(2)
        $0.wait(seconds)
        $0.complete(2, status: 5)
        $0.reset()
      }
      #expect(scene.report.count(.lostFence) == findings)
      let unbound = self.scene {
        $0.submit(2)
        $0.signalled(2)
        $0.wait(seconds)
        $0.unbind()
      }
      #expect(unbound.report.count(.lostFence) == findings)
    }
  }

  @Test func aCompletionNeedsASignal() {
    let scene = scene {
      $0.submit(2)
      $0.complete(2)
      $0.unbind()
    }
    #expect(scene.kinds == [.lostFence: 1])
  }

  @Test func fencesComeInOrder() {
    let swapped = scene {
      $0.submit(2)
      $0.submit(3)
      $0.signalled(3)
      $0.signalled(2)
      $0.complete(2)
      $0.complete(3)
    }
    #expect(swapped.kinds == [.fenceOutOfOrder: 1])
    #expect(scene { $0.signalled(1) }.kinds == [.fenceOutOfOrder: 1])
    #expect(scene { $0.signalled(2) }.kinds == [.fenceOutOfOrder: 1])
    #expect(scene { $0.signalled(1, space: 4) }.kinds == [.fenceOutOfOrder: 1])
    let next = scene {
      $0.unbind()
      $0.bind()
      $0.command(1)
    }
    #expect(next.report.isClean)
  }

  @Test func noAccessFollowsItsFence() {
    let early = scene {
      $0.command(2) { $0.access(fence: 2, va: 0x1000, bus: 0x1000, gen: 1) }
    }
    #expect(early.report.isClean)
    let late = scene {
      $0.command(2)
      $0.access(fence: 2, va: 0x1000, bus: 0x1000, gen: 1)
    }
    #expect(late.kinds == [.fenceOutOfOrder: 1])
  }

  @Test func aResetIsFollowedByAnotherLife() {
    for tells in [true, false] {
      var scene = Scene()
      scene.bind()
      scene.map(va: 0x1000, frame: 0x1000, gen: 1)
      scene.command(1)
      scene.reset()
      if tells { scene.bind() } else { scene.bound() }
      if tells { scene.map(va: 0x1000, frame: 0x1000, gen: 1) }
      scene.command(1) { $0.access(va: 0x1000, bus: 0x1000, gen: 1) }
      scene.unbind()
      #expect(scene.report.isClean, "\(scene.report)")
      #expect(scene.report.limitations.isEmpty)
    }
  }

  @Test func aTraceThatBeganTooLateLimits() {
    var scene = scene { $0.access(fence: 2, va: 0x9000, bus: 0x9000, gen: 1) }
    #expect(scene.kinds == [.strayAccess: 1])
    scene.events.removeFirst()
    #expect(scene.report.isClean, "\(scene.report)")
    #expect(scene.report.limitations.count == 1)
  }
}
