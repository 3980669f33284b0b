// SPDX-License-Identifier: Apache-2.0

import Foundation
import Verification

/// What an engine logs and what a driver traces, written line by line.
struct Scene {
  static let nvme: UInt64 = 0x8_2000_0000
  static let gpu: UInt64 = 0x8_0000_0000
  static let bus = DMABus(
    bars: ["gpu0": [gpu..<(gpu + (256 << 20))], "nvme0": [nvme..<(nvme + (64 << 20))]],
    memory: [0x1000..<0x4000_0000, 0x10_0000_0000..<0x10_4000_0000],
    videoMemory: gpu..<(gpu + (256 << 20)))

  var log: [String] = []
  var events: [String] = []
  var ns: UInt64 = 1_000_000
  var micros: UInt64 = 5_000_000
  var windows: [AccessWindow] = []
  var hasTrace = true
  var patience: UInt64 = 1_000_000_000
  var lastNumber: UInt64?
  var expectsUnbinding = false
  /// The pages that the driver has mapped, by address space.
  var live: [Int: Set<UInt64>] = [:]

  /// Both clocks go on.
  mutating func wait(_ seconds: Double) {
    ns += UInt64(seconds * 1e9)
    micros += UInt64(seconds * 1e6)
  }

  mutating func line(_ type: String, _ rest: String) {
    ns += 1000
    log.append(",\"ns\":\(ns)\(rest)}")
    log[log.count - 1] = "{\"t\":\"\(type)\"|" + log[log.count - 1]
  }

  mutating func event(_ name: String, _ rest: String) {
    micros += 1
    let stamp = "\(micros / 1_000_000).\(String(format: "%06d", Int(micros % 1_000_000)))"
    events.append(
      "        gpucheck-123     [001] d..1.    \(stamp): ivgpu_\(name): rid=0020"
        + (rest.isEmpty ? "" : " \(rest)"))
  }

  // What the engine logs.

  mutating func bound(_ space: Int = 0) { line("bind", ",\"as\":\(space)") }
  mutating func unbound(_ space: Int = 0) { line("unbind", ",\"as\":\(space)") }
  mutating func wasReset() { line("reset", "") }

  mutating func access(
    _ space: Int = 0, fence: UInt64 = 1, va: UInt64, bus: UInt64, length: UInt64 = 4096,
    write: Bool = false, port: String = "memory", gen: UInt64
  ) {
    line(
      "dma",
      ",\"as\":\(space),\"fence\":\(fence),\"va\":\"\(hex(va))\",\"bus\":\"\(hex(bus))\","
        + "\"len\":\(length),\"write\":\(write),\"port\":\"\(port)\",\"gen\":\(gen % 4096)")
  }

  mutating func acknowledged(
    _ space: Int = 0, va: UInt64, length: UInt64, gen: UInt64, index: UInt32 = 0
  ) {
    line(
      "invalidate",
      ",\"as\":\(space),\"va\":\"\(hex(va))\",\"len\":\"\(hex(length))\",\"gen\":\(gen),"
        + "\"index\":\(index)")
  }

  mutating func raised(
    _ space: Int = 0, seq: UInt64, va: UInt64, access: String = "read", fence: UInt64 = 1
  ) {
    line(
      "fault",
      ",\"as\":\(space),\"seq\":\(seq),\"va\":\"\(hex(va))\",\"len\":\"0x1000\","
        + "\"access\":\"\(access)\",\"fence\":\(fence)")
  }

  mutating func replied(_ space: Int = 0, seq: UInt64, error: Int = 0) {
    line("reply", ",\"as\":\(space),\"seq\":\(seq),\"error\":\(error)")
  }

  mutating func signalled(_ fence: UInt64, space: Int = 0, status: Int = 0) {
    line(
      "fence",
      ",\"as\":\(space),\"fence\":\(fence),\"op\":\"copy\",\"status\":\(status),\"bytes\":0")
  }

  // What the driver traces.

  mutating func bind(_ space: Int = 0) {
    event("bind", "as=\(space) pid=123 root=0x200000")
    bound(space)
    live[space] = []
  }

  /// The driver gives back what is mapped when the engine has forgotten the address space.
  mutating func unbind(_ space: Int = 0, index: UInt32 = 0x1000_0000) {
    unbound(space)
    releaseAll(space, tail: index &+ 1)
    event("unbind", "as=\(space) error=0 control=\(index)")
  }

  mutating func unmap(_ space: Int = 0, va: UInt64, pages: Int = 1, tail: UInt32) {
    event("unmap", "as=\(space) va=\(hex(va)) pages=\(pages) tail=\(tail)")
    for page in 0..<pages { live[space]?.remove(va + UInt64(page) * 4096) }
  }

  mutating func releaseAll(_ space: Int, tail: UInt32) {
    for page in (live[space] ?? []).sorted() { unmap(space, va: page, tail: tail) }
  }

  mutating func map(
    _ space: Int = 0, va: UInt64, pages: Int = 1, frame: UInt64, gen: UInt64,
    source: String = "fallback", writable: Bool = true
  ) {
    event(
      "map",
      "as=\(space) va=\(hex(va)) pages=\(pages) frame=\(hex(frame)) generation=\(gen) "
        + "source=\(source) writable=\(writable ? 1 : 0)")
    for page in 0..<min(pages, 512) { live[space]?.insert(va + UInt64(page) * 4096) }
  }

  mutating func invalidate(
    _ space: Int = 0, va: UInt64, length: UInt64, gen: UInt64, index: UInt32 = 0
  ) {
    event(
      "invalidate",
      "as=\(space) va=\(hex(va)) length=\(hex(length)) generation=\(gen) control=\(index)")
  }

  mutating func answer(_ space: Int = 0, seq: UInt64, va: UInt64, error: Int = 0) {
    event(
      "fault",
      "as=\(space) sequence=\(seq) va=\(hex(va)) length=0x1000 access=0 reason=0 fence=1 "
        + "error=\(error) pages=1")
  }

  mutating func submit(_ fence: UInt64, space: Int = 0, opcode: Int = 1) {
    event("submit", "as=\(space) fence=\(fence) opcode=\(opcode)")
  }

  mutating func complete(_ fence: UInt64, space: Int = 0, status: Int = 0) {
    event("complete", "as=\(space) fence=\(fence) status=\(status)")
  }

  mutating func reset() {
    event("reset", "count=1")
    wasReset()
    for space in live.keys.sorted() { releaseAll(space, tail: 0) }
  }

  /// A command from its submission to its completion.
  mutating func command(_ fence: UInt64, space: Int = 0, _ body: (inout Scene) -> Void = { _ in }) {
    submit(fence, space: space)
    body(&self)
    signalled(fence, space: space)
    complete(fence, space: space)
  }

  mutating func window(_ claim: DMAClaim) {
    windows = [AccessWindow(number: 7, name: "a case", entries: 0..<1_000_000_000, claim: claim)]
  }

  /// The log with its numbers.
  var logText: String {
    log.enumerated().map { index, line in
      line.replacingOccurrences(of: "|", with: ",\"n\":\(index + 1)") + "\n"
    }.joined()
  }

  var traceText: String {
    "# tracer: nop\n#\n# entries-in-buffer/entries-written: 5/5   #P:2\n"
      + events.map { $0 + "\n" }.joined()
  }

  var report: SanitizerReport { report(logText) }

  func report(_ logText: String, trace: String? = nil) -> SanitizerReport {
    var sanitizer = DMASanitizer(
      log: AccessLog(log: Data(logText.utf8)),
      trace: hasTrace ? DriverTrace(trace: Data((trace ?? traceText).utf8)) : nil,
      bus: Self.bus, windows: windows)
    sanitizer.patience = patience
    sanitizer.lastNumber = lastNumber
    sanitizer.expectsUnbinding = expectsUnbinding
    return sanitizer.report()
  }

  /// The kinds of all findings.
  var kinds: [SanitizerFinding.Kind: Int] { report.counts }
}

private func hex(_ number: UInt64) -> String { "0x" + String(number, radix: 16) }
