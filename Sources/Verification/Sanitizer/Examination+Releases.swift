// SPDX-License-Identifier: Apache-2.0

/// `wrongRelease`, and what of `leakedMapping` only the driver's trace shows.
extension Examination {
  /// Pages that may be mapped at a time, in all address spaces: 32 GiB.
  private static let livePages = 8 << 20
  /// Pages that are followed at most, mapped or given back.
  private static let pageLimit = 1 << 30
  /// Releases whose place in the log, and so whose case, is looked for.
  private static let placedReleases = 100

  func checkReleases() {
    var ledgers: [UInt8: PageLedger] = [:]
    var next: [UInt8: Int] = [:]
    // What one entry may cost is bounded; an honest driver's entries are within a page table.
    var budget = min(1_000_000 + trace.entries.count * 512, Self.pageLimit)
    for (index, entry) in trace.entries.enumerated() {
      let space = entry.addressSpace
      switch entry.event {
      case .bind:
        close(&ledgers[space], by: index, acknowledged: nil)
        let life = next[space, default: 0]
        next[space] = life + 1
        if let told = tracedLives[space] { ledgers[space] = PageLedger(told[life]) }
      case .unbind(let error, let control):
        close(&ledgers[space], by: index, acknowledged: error == 0 ? control : nil)
      case .map(let map):
        budget -= Int(map.pages)
        guard budget >= 0 else { return giveUp() }
        guard ledgers[space]?.isBound == true else { continue }
        ledgers[space]?.take(map)
        let live = ledgers.values.reduce(0) { $0 + $1.liveCount }
        guard live <= Self.livePages else { return giveUp() }
      case .unmap(let unmap):
        budget -= Int(unmap.pages)
        guard budget >= 0 else { return giveUp() }
        guard !release(unmap, index, &ledgers[space]) else { continue }
        findings.add(.wrongRelease, entries: [], events: [index]) {
          "The driver gave pages of address space \(space) back that it had not mapped."
        }
      case .invalidation(let invalidation): ledgers[space]?.take(invalidation)
      case .reset, .die:
        for space in ledgers.keys { ledgers[space]?.forget() }
      case .fault, .submit, .complete: break
      }
    }
    guard expectsUnbinding else { return }
    for space in ledgers.keys.sorted() {
      guard let ledger = ledgers[space], ledger.isBound else { continue }
      findings.add(.leakedMapping, entries: [], events: [ledger.life.begin]) {
        "Address space \(space) was never unbound."
      }
      close(&ledgers[space], by: ledger.life.begin, acknowledged: nil)
    }
  }

  private func release(
    _ unmap: DriverTrace.Unmap, _ index: Int, _ ledger: inout PageLedger?
  ) -> Bool {
    guard ledger?.isBound == true else { return false }
    return ledger?.take(unmap, entry: index) ?? false
  }

  private func close(
    _ ledger: inout PageLedger?, by index: Int, acknowledged control: UInt32?
  ) {
    guard let life = ledger?.life, ledger?.isBound == true,
      let rest = ledger?.end(acknowledged: control)
    else { return }
    let space = trace.entries[life.begin].addressSpace
    for release in rest.early {
      let isKept = (findings.counts[.wrongRelease] ?? 0) < Self.placedReleases
      let entry = isKept ? acknowledgment(of: release, in: life) : nil
      findings.add(.wrongRelease, entries: entry.map { [$0] } ?? [], events: [release.entry]) {
        "The driver gave pages of address space \(space) back before the engine had acknowledged "
          + "the end of their mapping."
      }
    }
    guard rest.left > 0 else { return }
    findings.add(.leakedMapping, entries: [], events: [index]) {
      "\(rest.left) pages of address space \(space) were still mapped when it ended: the driver "
        + "never gave them back."
    }
  }

  /// The log's entry of what the driver should have waited for: a generation ends once in a life.
  private func acknowledgment(of release: PageLedger.Release, in life: TracedLife) -> Int? {
    for own in lives where own.trace === life {
      guard let generation = release.generation else { return own.end }
      let entry = own.invalidations.first {
        if case .invalidation(let revoked) = log.entries[$0].event {
          revoked.generation == generation
        } else {
          false
        }
      }
      if let entry { return entry }
    }
    return nil
  }

  private func giveUp() {
    limit(
      "The driver's trace has too many pages at a time: when they were given back was not checked.")
  }
}
