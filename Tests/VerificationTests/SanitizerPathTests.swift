// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import Verification

@Suite struct SanitizerPathTests {
  private static let va: UInt64 = 0x7F00_0000_0000
  private static let frame: UInt64 = 0x200_0000

  private func scene(
    frame: UInt64 = SanitizerPathTests.frame, source: String = "fallback", writable: Bool = true,
    claim: DMAClaim = .mixed, _ body: (inout Scene) -> Void
  ) -> Scene {
    var scene = Scene()
    scene.window(claim)
    scene.bind()
    scene.map(va: Self.va, pages: 2, frame: frame, gen: 1, source: source, writable: writable)
    body(&scene)
    return scene
  }

  @Test(
    arguments: [
      (0x3FFF_F000, "memory", true), (0x3FFF_F001, "memory", false), (0xFFF, "memory", false),
      (0x1000, "memory", true), (0x1000, "bus", false), (0x1000, "bar", false),
      (Scene.nvme, "bar", true), (Scene.nvme, "bus", true), (Scene.nvme, "memory", false),
      (Scene.nvme - 1, "bar", false), (Scene.nvme + (64 << 20) - 4096, "bar", true),
      (Scene.nvme + (64 << 20) - 4095, "bar", false), (0, "video", true),
      ((256 << 20) - 4096, "video", true), ((256 << 20) - 4095, "video", false),
      (0x1000, "none", false),
    ] as [(UInt64, String, Bool)])
  func everyByteIsWhereThePortIs(bus: UInt64, port: String, isGood: Bool) {
    var scene = Scene()
    scene.hasTrace = false
    scene.bind()
    scene.access(va: Self.va, bus: bus, port: port, gen: 1)
    #expect(scene.kinds == (isGood ? [:] : [.strayAccess: 1]))
  }

  @Test func theFrameIsTheDrivers() {
    let good = scene {
      $0.access(va: Self.va + 100, bus: Self.frame + 100, length: 8000, write: true, gen: 1)
    }
    #expect(good.report.isClean, "\(good.report)")
    for wrong in [Self.frame - 4096, Self.frame + 1, Self.frame + 4096] {
      #expect(
        scene { $0.access(va: Self.va, bus: wrong, gen: 1) }.kinds == [.strayAccess: 1])
    }
  }

  @Test func aPageThatWasNeverMappedIsAStrayAccess() {
    #expect(
      scene { $0.access(va: Self.va + 4096, bus: Self.frame + 4096, length: 4097, gen: 1) }.kinds
        == [.strayAccess: 1])
    #expect(
      scene { $0.access(va: Self.va - 1, bus: Self.frame - 1, length: 1, gen: 1) }.kinds
        == [.strayAccess: 1])
    #expect(
      scene { $0.access(va: Self.va, bus: Self.frame, gen: 2) }.kinds == [.strayAccess: 1])
  }

  @Test func readOnlyPagesAreNotWritten() {
    #expect(
      scene(writable: false) { $0.access(va: Self.va, bus: Self.frame, gen: 1) }.report.isClean)
    #expect(
      scene(writable: false) { $0.access(va: Self.va, bus: Self.frame, write: true, gen: 1) }.kinds
        == [.strayAccess: 1])
    for order in [[true, false], [false, true]] {
      let upgraded = scene(writable: order[0]) {
        $0.map(va: Self.va + 4096, frame: Self.frame + 4096, gen: 1, writable: order[1])
        $0.access(va: Self.va + 4096, bus: Self.frame + 4096, write: true, gen: 1)
      }
      #expect(upgraded.report.isClean, "\(upgraded.report)")
    }
  }

  @Test func videoMemoryIsVideoMemoryByOffsetAndByBusAddress() {
    let byOffset = scene(frame: 0x20_0000, source: "video") {
      $0.access(va: Self.va, bus: 0x20_0000, port: "video", gen: 1)
    }
    #expect(byOffset.report.isClean, "\(byOffset.report)")
    let byAddress = scene(frame: Scene.gpu + 0x20_0000, source: "direct") {
      $0.access(va: Self.va, bus: 0x20_0000, port: "video", gen: 1)
    }
    #expect(byAddress.report.isClean, "\(byAddress.report)")
    let elsewhere = scene(frame: 0x20_0000, source: "video") {
      $0.access(va: Self.va, bus: 0x20_0000, port: "memory", gen: 1)
    }
    #expect(elsewhere.kinds == [.strayAccess: 1])
  }

  @Test(
    arguments: [
      (.memory, ["memory"]), (.video, ["video"]), (.direct("nvme0"), ["bar", "video"]),
      (.direct("nvme1"), ["video"]), (.mixed, ["memory", "video", "bar"]),
    ] as [(DMAClaim, Set<String>)])
  func theClaimIsThePath(claim: DMAClaim, good: Set<String>) {
    for (frame, source, port) in [
      (Self.frame, "fallback", "memory"), (0x20_0000, "video", "video"),
      (Scene.nvme, "direct", "bar"),
    ] {
      let scene = scene(frame: frame, source: source, claim: claim) {
        $0.access(va: Self.va, bus: frame, port: port, gen: 1)
      }
      #expect(
        scene.kinds == (good.contains(port) ? [:] : [.wrongPath: 1]), "\(claim) \(port)")
    }
  }

  @Test func aClaimAboutFilesLeavesVideoMemoryAlone() {
    for (frame, source, port, isGood) in [
      (Self.frame, "fallback", "memory", true), (0x20_0000, "video", "video", true),
      (Scene.nvme, "direct", "bar", false),
    ] {
      var scene = scene(frame: frame, source: source, claim: .memory) {
        $0.access(va: Self.va, bus: frame, port: port, gen: 1)
      }
      scene.windows[0].sparesVideo = true
      #expect(scene.kinds == (isGood ? [:] : [.wrongPath: 1]), "\(port)")
    }
  }

  @Test(
    arguments: [
      (nil, nil), (["nvme0"], nil), (["nvme1"], "can use the BAR of nvme1 alone"),
      ([], "can use no BAR"),
    ] as [(Set<String>?, String?)])
  func aCaseThatClaimsNothingMayStillKeepToSomeBARs(bars: Set<String>?, words: String?) {
    for (frame, source, port) in [
      (Self.frame, "fallback", "memory"), (0x20_0000, "video", "video"),
      (Scene.nvme, "direct", "bar"),
    ] {
      var scene = scene(frame: frame, source: source) {
        $0.access(va: Self.va, bus: frame, port: port, gen: 1)
      }
      scene.windows[0].bars = bars
      let isGood = words == nil || port != "bar"
      #expect(scene.kinds == (isGood ? [:] : [.wrongPath: 1]), "\(port)")
      if let words, !isGood {
        let sentence = scene.report.findings.first?.sentence ?? ""
        #expect(sentence.hasPrefix("The case \(words), but a read of "), "\(sentence)")
        #expect(sentence.hasSuffix(" went to the BAR of nvme0."), "\(sentence)")
      }
    }
  }

  @Test func aStrayAccessByAPortThatTheClaimSparesIsStrayOnly() {
    for (spares, kinds) in [
      (false, [.strayAccess: 1, .wrongPath: 1]), (true, [.strayAccess: 1]),
    ] as [(Bool, [SanitizerFinding.Kind: Int])] {
      var scene = scene(claim: .memory) {
        $0.access(va: Self.va, bus: 256 << 20, port: "video", gen: 1)
      }
      scene.windows[0].sparesVideo = spares
      #expect(scene.kinds == kinds)
    }
  }

  @Test func casesOfTwoSuitesMayHaveOneNumber() {
    var scene = scene(claim: .video) {
      for _ in 0..<2 { $0.access(va: Self.va, bus: Self.frame, gen: 1) }
    }
    scene.windows = [
      AccessWindow(suite: "device-map", number: 1, name: "b", entries: 3..<4, claim: .video),
      AccessWindow(suite: "gpu", number: 1, name: "a", entries: 2..<3, claim: .video),
    ]
    let report = scene.report
    #expect(report.findings.map(\.suite) == ["gpu", "device-map"])
    #expect(report.findings.map(\.caseNumber) == [1, 1])
    #expect(report.cases.map(\.suite) == ["gpu", "device-map"])
  }

  @Test func theClaimHoldsFromItsFirstEntryToTheOneBeforeItsLast() {
    var scene = scene(claim: .video) {
      for _ in 0..<4 { $0.access(va: Self.va, bus: Self.frame, gen: 1) }
    }
    scene.windows = [
      AccessWindow(number: 3, name: "x", entries: 3..<5, claim: .video),
      AccessWindow(number: 2, name: "w", entries: 1..<3, claim: .mixed),
    ]
    #expect(scene.kinds == [.wrongPath: 2])
    #expect(scene.report.findings.map(\.lines) == [[3], [4]])
    #expect(scene.report.findings.first?.caseNumber == 3)
    #expect(scene.report.cases.map(\.accesses) == [1, 2])
    #expect(scene.report.cases.map(\.memory.read) == [4096, 8192])
    #expect(scene.report.total.accesses == 4)
  }

  @Test func mappingsEndWithTheirAddressSpace() {
    var late = scene { $0.unbind() }
    #expect(late.report.isClean)
    late.map(va: Self.va, frame: Self.frame, gen: 1)
    #expect(late.kinds == [.leakedMapping: 1])
    var old = scene {
      $0.unbind()
      $0.bind()
    }
    var remapped = old
    remapped.map(va: Self.va, frame: Self.frame, gen: 1)
    remapped.access(va: Self.va, bus: Self.frame, gen: 1)
    #expect(remapped.report.isClean, "\(remapped.report)")
    old.access(va: Self.va, bus: Self.frame, gen: 1)
    #expect(old.kinds == [.leakedMapping: 1])
  }

  @Test func aReportGoesThroughJSON() throws {
    let report = scene(claim: .direct("nvme0")) {
      $0.access(va: Self.va, bus: Self.frame, gen: 1)
    }.report
    let data = try JSONEncoder().encode(report)
    #expect(try JSONDecoder().decode(SanitizerReport.self, from: data) == report)
    #expect(String(data: data, encoding: .utf8)?.contains("\"wrongPath\":1") == true)
  }
}
