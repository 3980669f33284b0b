// SPDX-License-Identifier: Apache-2.0

/// One pass over an access log, entry by entry, in its order.
final class Examination {
  /// How far the driver may be ahead of the engine, in generations.
  static let lead: UInt64 = 2048

  let log: AccessLog
  let trace: DriverTrace
  let bus: DMARegions
  let patience: UInt64
  let expectsDigests: Bool
  let expectsUnbinding: Bool
  private let lastNumber: UInt64?
  private let hasTrace: Bool
  private let windows: [AccessWindow]
  private(set) var report = SanitizerReport()

  var findings: FindingCollector
  /// The log has all entries.
  private(set) var isWhole = true
  /// Look-ups of mappings that may still be made: no input makes them endless.
  var budget: Int
  private(set) var lives: [AddressSpaceLife] = []
  private(set) var tracedLives: [UInt8: [TracedLife]] = [:]
  private var open: [AddressSpaceLife?] = Array(repeating: nil, count: 256)
  private var nextLife = 0
  private var currentWindow = 0
  private var resets: [Int] = []

  init(_ sanitizer: DMASanitizer) {
    log = sanitizer.log
    hasTrace = sanitizer.trace != nil
    trace = sanitizer.trace ?? DriverTrace()
    bus = DMARegions(sanitizer.bus)
    patience = sanitizer.patience
    expectsDigests = sanitizer.expectsDigests
    expectsUnbinding = sanitizer.expectsUnbinding
    lastNumber = sanitizer.lastNumber
    windows = sanitizer.windows.sorted { $0.entries.lowerBound < $1.entries.lowerBound }
    findings = FindingCollector(log: log, trace: trace, windows: windows)
    budget = 1_000_000 + log.entries.count * 64
  }

  func run() {
    report.cases = windows.map(AccessSummary.init)
    checkLog()
    checkTrace()
    let (lives, contradictions) = AddressSpaceLife.lives(of: log)
    self.lives = lives
    if isWhole {
      for (entry, sentence) in contradictions {
        findings.add(.logDamaged, entries: [entry]) { sentence }
      }
    }
    pair()
    for index in log.entries.indices { take(index) }
    for space in open.indices { finish(space) }
    checkMappings()
    if hasTrace, trace.isComplete { checkReleases() }
    if budget < 0 {
      limit("The accesses have too many mappings each: some were not held against the trace.")
    }
    report.findings = findings.ordered
    report.counts = findings.counts
  }

  /// The life of an address space that is going on.
  func life(_ space: UInt8) -> AddressSpaceLife? { open[Int(space)] }

  /// Index of the trace entry with which the driver ended the address space after `entry`.
  func end(of life: TracedLife, after entry: Int) -> Int? {
    var low = 0
    var high = resets.count
    while low < high {
      let middle = (low + high) / 2
      if resets[middle] <= entry { low = middle + 1 } else { high = middle }
    }
    let reset = low < resets.count ? resets[low] : nil
    guard let end = life.end, end > entry else { return reset }
    return min(end, reset ?? end)
  }

  func limit(_ sentence: String) { report.limitations.append(sentence) }

  private func checkLog() {
    for wrong in log.wrongLines {
      findings.add(
        wrongLine: wrong.line,
        "Line \(wrong.line) of the access log cannot be read: \(wrong.reason).")
    }
    findings.add(.logDamaged, uncounted: log.wrongLineCount - log.wrongLines.count)
    if log.isTruncated {
      findings.add(.logDamaged, entries: [log.entries.count - 1]) {
        "The access log is too long to be kept; what follows is missing."
      }
    }
    isWhole = log.wrongLineCount == 0 && !log.isTruncated
    if log.wrongLineCount == 0 { checkNumbers() }
    if !isWhole {
      limit(
        "The access log is damaged: only addresses and paths were checked, neither revocations, "
          + "mappings, faults nor fences.")
    }
  }

  /// Numbers begin with 0 or 1, grow by one, and end with the last one that the engine gave.
  private func checkNumbers() {
    if let first = log.entries.first, first.n > 1 {
      isWhole = false
      findings.add(.logDamaged, entries: [0]) {
        "The access log begins with entry \(first.n): those before it are missing."
      }
    }
    for index in log.entries.indices.dropFirst() {
      let before = log.entries[index - 1].n
      let n = log.entries[index].n
      guard n != before &+ 1 else { continue }
      isWhole = false
      findings.add(.logDamaged, entries: [index, index - 1]) {
        n == before
          ? "Two entries of the access log have the number \(n)."
          : "\(n - before - 1) entries are missing before entry \(n) of the access log."
      }
    }
    let last = log.entries.last?.n ?? 0
    guard let lastNumber, last < lastNumber, !log.isTruncated else { return }
    isWhole = false
    findings.add(.logDamaged, entries: []) {
      "The access log ends with entry \(last), and the engine has made \(lastNumber)."
    }
  }

  private func checkTrace() {
    guard hasTrace else {
      return limit(
        "There is no trace of the driver: frames, leaked mappings and the driver's fences were not "
          + "checked.")
    }
    for line in trace.wrongLines {
      findings.add(.logDamaged, entries: []) {
        "Line \(line) of the driver's trace starts like an event and cannot be read."
      }
    }
    findings.add(.logDamaged, uncounted: trace.wrongLineCount - trace.wrongLines.count)
    guard !trace.isComplete else { return }
    let reason =
      if trace.lostEvents > 0 {
        "The kernel lost \(trace.lostEvents) events of the driver's trace"
      } else {
        trace.isTruncated
          ? "The driver's trace has no end" : "The driver's trace is damaged"
      }
    limit("\(reason): frames, leaked mappings and the driver's fences were not checked.")
  }

  /// Finds the driver's account of each life: the k-th of an address space is the k-th that the
  /// driver bound. Where the driver does not say that it binds again after a reset, its account
  /// covers both.
  private func pair() {
    guard hasTrace, trace.isComplete else { return }
    let (traced, early) = TracedLife.lives(of: trace)
    tracedLives = traced
    guard isWhole else { return }
    resets = trace.entries.indices.filter {
      trace.entries[$0].event == .reset || trace.entries[$0].event == .die
    }
    for (space, own) in Dictionary(grouping: lives, by: \.addressSpace).sorted(by: {
      $0.key < $1.key
    }) {
      var told = traced[space] ?? []
      // The engine may not have come to a BIND that a reset ended.
      for _ in 0..<max(told.count - own.count, 0) {
        if let aborted = told.firstIndex(where: \.isAborted) { told.remove(at: aborted) }
      }
      var groups = own.map { [$0] }
      if groups.count > told.count {
        groups = []
        for life in own {
          if life.continues == nil || groups.isEmpty {
            groups.append([life])
          } else {
            groups[groups.count - 1].append(life)
          }
        }
      }
      guard groups.count <= told.count, early[space] == nil else {
        limit(
          "The access log has \(own.count) lives of address space \(space), and the driver's trace "
            + "\(told.count)\(early[space] == nil ? "" : " whole ones"): its frames and the driver's "
            + "fences were not checked.")
        continue
      }
      for (group, life) in zip(groups, told) {
        for own in group {
          own.trace = life
          own.ownsTrace = group.count == 1
        }
      }
    }
  }

  private func checkMappings() {
    for life in tracedLives.sorted(by: { $0.key < $1.key }).flatMap(\.value) {
      for entry in life.lateMaps {
        findings.add(.leakedMapping, entries: [], events: [entry, life.end ?? entry]) {
          "The driver mapped a page of address space \(self.trace.entries[entry].addressSpace) "
            + "after it had unbound it."
        }
      }
    }
  }

  private func take(_ index: Int) {
    let entry = log.entries[index]
    while currentWindow < windows.count, windows[currentWindow].entries.upperBound <= entry.n {
      currentWindow += 1
    }
    var place = DMAPlace.nowhere
    if case .access(let access) = entry.event { place = bus.place(of: access) }
    report.total.count(entry.event, at: place)
    var window: AccessWindow?
    if currentWindow < windows.count, windows[currentWindow].entries.contains(entry.n) {
      report.cases[currentWindow].count(entry.event, at: place)
      window = windows[currentWindow]
    }
    if case .access(let access) = entry.event {
      checkPlace(access, index, place, window)
    }
    if isWhole { follow(entry, index, place) }
  }

  private func follow(_ entry: AccessLog.Entry, _ index: Int, _ place: DMAPlace) {
    let life = life(entry.addressSpace)
    switch entry.event {
    case .access(let access):
      if place != .nowhere { checkMapping(access, index, life) }
    case .invalidation(let invalidation): life.map { revoke(invalidation, index, $0) }
    case .bind: begin(index)
    case .unbind: finish(Int(entry.addressSpace))
    case .fault(let fault): life.map { take(fault, index, $0) }
    case .reply(let sequence, _): take(reply: sequence, index, life)
    case .fence(let fence, _, let payload):
      take(fence: fence, index, life)
      notePayload(payload, fence, index, entry.addressSpace)
    case .reset: for space in 0..<32 { finish(space) }
    case .error(let error):
      noteRefusal(error, index, entry.addressSpace)
      life?.isStopped = true
      life?.unanswered = [:]
    }
  }

  private func begin(_ index: Int) {
    guard nextLife < lives.count, lives[nextLife].begin == index else { return }
    let life = lives[nextLife]
    nextLife += 1
    finish(Int(life.addressSpace))
    life.revoked = RevokedRanges(
      life.invalidations.compactMap {
        if case .invalidation(let revoked) = log.entries[$0].event { revoked.range } else { nil }
      })
    if let before = life.continues { life.newestRevoked = before.newestRevoked }
    open[Int(life.addressSpace)] = life
  }

  private func finish(_ space: Int) {
    guard let life = open[space] else { return }
    open[space] = nil
    settle(life)
    finishFaults(of: life)
    finishFences(of: life)
    life.revoked = RevokedRanges([])
    life.fences = SignalledFences()
  }
}
