// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import Verification

@Suite struct SanitizerRandomTests {
  @Test(arguments: 1...8 as ClosedRange<UInt64>)
  func correctDriversAndEnginesAreClean(seed: UInt64) {
    let simulation = SanitizerSimulation(seed: seed)
    let report = simulation.report
    #expect(report.isClean, "\(report.findings.first.map { "\($0)" } ?? "")")
    #expect(report.limitations.isEmpty)
    #expect(report.total.accesses > 100)
    var blind = simulation.scene
    blind.hasTrace = false
    #expect(blind.report(simulation.logText).isClean)
  }

  @Test(arguments: SanitizerSimulation.Mistake.allCases, [1, 2, 3, 4] as [UInt64])
  func oneMistakeIsCaughtByName(mistake: SanitizerSimulation.Mistake, seed: UInt64) {
    let simulation = SanitizerSimulation(seed: seed, mistake: mistake)
    #expect(simulation.isMade)
    let report = simulation.report
    #expect(Array(report.counts.keys) == [mistake.kind], "\(report.counts) \(report.findings)")
    #expect(report.findings.allSatisfy { $0.sentence.hasSuffix(".") })
  }

  /// A million log lines and 100,000 trace events: to hold one against the other takes about as long
  /// as to read them. If each line met each event, it would be a thousand times that.
  @Test func longLogsAreLookedAtAsFastAsTheyAreRead() {
    var log = ""
    var trace = ""
    log.reserveCapacity(200_000_000)
    for space in 0..<8 {
      log += "{\"t\":\"bind\",\"n\":\(space + 1),\"ns\":1,\"as\":\(space)}\n"
      trace += " x-1 [000] ..... 1.000000: ivgpu_bind: rid=0020 as=\(space) pid=1 root=0x200000\n"
    }
    var n = 9
    var maps = 0
    var random = SeededGenerator(state: 1)
    while n < 1_000_000 {
      let space = Int.random(in: 0..<8, using: &random)
      let gen = maps / 8 + 1
      let va = 0x7F00_0000_0000 + Int.random(in: 0..<50_000, using: &random) * 0x10000
      let frame = Int.random(in: 1..<0x1_0000, using: &random) * 4096
      if maps < 50_000 {
        maps += 1
        trace +=
          " x-1 [000] ..... 1.000000: ivgpu_map: rid=0020 as=\(space) va=0x\(String(va, radix: 16)) pages=4 "
          + "frame=0x\(String(frame, radix: 16)) generation=\(gen) source=fallback writable=1\n"
        trace +=
          " x-1 [000] ..... 1.000000: ivgpu_invalidate: rid=0020 as=\(space) va=0x\(String(va, radix: 16)) "
          + "length=0x4000 generation=\(gen) control=1\n"
        for page in 0..<18 {
          log +=
            "{\"t\":\"dma\",\"n\":\(n),\"ns\":\(n),\"as\":\(space),\"fence\":1,"
            + "\"va\":\"0x\(String(va + page % 4 * 4096, radix: 16))\","
            + "\"bus\":\"0x\(String(frame + page % 4 * 4096, radix: 16))\",\"len\":4096,"
            + "\"write\":true,\"port\":\"memory\",\"gen\":\(gen % 4096)}\n"
          n += 1
        }
        log +=
          "{\"t\":\"invalidate\",\"n\":\(n),\"ns\":\(n),\"as\":\(space),"
          + "\"va\":\"0x\(String(va, radix: 16))\",\"len\":\"0x4000\",\"gen\":\(gen),\"index\":1}\n"
        n += 1
      } else {
        log +=
          "{\"t\":\"invalidate\",\"n\":\(n),\"ns\":\(n),\"as\":\(space),\"va\":\"0x1000\","
          + "\"len\":\"0x1000\",\"gen\":\(gen),\"index\":1}\n"
        n += 1
      }
    }
    let logData = Data(log.utf8)
    let traceData = Data(trace.utf8)
    var parsedLog = AccessLog()
    var parsedTrace = DriverTrace()
    var report = SanitizerReport()
    let parsing = processorTime {
      parsedLog = AccessLog(log: logData)
      parsedTrace = DriverTrace(trace: traceData)
    }
    let looking = processorTime {
      report =
        DMASanitizer(log: parsedLog, trace: parsedTrace, bus: Scene.bus, windows: []).report()
    }
    #expect(parsedLog.entries.count >= 999_999)
    #expect(parsedTrace.entries.count >= 100_000)
    #expect(report.isClean, "\(report.findings.first.map { "\($0)" } ?? "")")
    print(
      "\(parsedLog.entries.count) log lines, \(parsedTrace.entries.count) events: "
        + "read in \(parsing), looked at in \(looking)")
    #expect(looking < parsing * 20)
    #if !DEBUG
      #expect(parsing + looking < .seconds(30))
    #endif
  }
}

/// What this thread computes for `body`, whatever else the processors do meanwhile.
private func processorTime(_ body: () -> Void) -> Duration {
  func now() -> Duration {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
  }
  let start = now()
  body()
  return now() - start
}
