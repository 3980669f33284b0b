// SPDX-License-Identifier: Apache-2.0

/// The pages that an address space has mapped, from its `ivgpu_bind` on: when may they be given back?
///
/// A page may go when the engine has acknowledged an invalidation of it, or the address space's
/// UNBIND, or has been reset since. `ivgpu_unmap` has the engine's end of the control ring as it was
/// when the page went, so an index below it was acknowledged.
struct PageLedger {
  /// Pages that came back before anything that was known then allowed it.
  private struct Unproven {
    var entry: Int
    var tail: UInt32
  }

  /// How a page was given back wrongly.
  enum Breach: Hashable {
    /// The engine could still use it.
    case early
    /// It was not mapped.
    case unmapped
  }

  /// Index of the `ivgpu_bind`.
  let begin: Int
  /// It is bound.
  private(set) var isBound = true

  /// The generation of the newest mapping of each page that is mapped, by page number.
  private var live: [UInt64: UInt64] = [:]
  private var revoked: RevokedRanges
  /// Invalidations that nobody has seen acknowledged, in the order of the control ring.
  private var pending: ArraySlice<AccessLog.Invalidation> = []
  private var unproven: [Unproven] = []
  /// The generation of mappings that are made now, as far as is known.
  private var newest: UInt64 = 1
  /// Up to this generation the engine has forgotten all mappings.
  private var forgotten: UInt64 = 0

  /// Nothing is mapped; `invalidations` are all that will be.
  init(begin: Int, invalidations: [AccessLog.Invalidation]) {
    self.begin = begin
    revoked = RevokedRanges(invalidations.map(\.range))
  }

  /// How many pages are mapped.
  var liveCount: Int { live.count }

  mutating func take(_ map: DriverTrace.Map) {
    newest = max(newest, map.generation)
    for page in map.range.pages { live[page] = map.generation }
  }

  mutating func take(_ invalidation: AccessLog.Invalidation) {
    newest = max(newest, invalidation.generation &+ 1)
    pending.append(invalidation)
  }

  /// Pages are given back, by the trace entry `entry`. What has to be said of it at once is returned.
  mutating func take(_ unmap: DriverTrace.Unmap, entry: Int) -> Breach? {
    while let next = pending.first, unmap.acknowledges(next.index) {
      pending.removeFirst()
      revoked.revoke(
        next.range, RevokedRanges.Revocation(generation: next.generation, source: 0))
    }
    var isProven = true
    var areMapped = true
    for page in unmap.range.pages {
      guard let generation = live.removeValue(forKey: page) else {
        areMapped = false
        continue
      }
      guard isProven, generation > forgotten else { continue }
      isProven = revoked.first(of: page << 12..<(page << 12) + 4096, from: generation) != nil
    }
    if !isProven { unproven.append(Unproven(entry: entry, tail: unmap.tail)) }
    return areMapped ? nil : .unmapped
  }

  /// The engine has forgotten everything: it was reset, or will never do anything again.
  mutating func forget() {
    forgotten = newest
    pending = []
  }

  /// The address space is unbound, by the request `index` if the engine has acknowledged that.
  ///
  /// - Returns: the trace entries by which pages went too early, and how many pages are left.
  mutating func end(acknowledged index: UInt32?) -> (early: [Int], left: Int) {
    defer {
      isBound = false
      unproven = []
      live = [:]
      pending = []
    }
    let early = unproven.filter { page in
      index.map { !DriverTrace.isBefore($0, tail: page.tail) } ?? true
    }
    return (early.map(\.entry), live.count)
  }
}

extension Range<UInt64> {
  /// The numbers of the pages of 4 KiB that it touches.
  fileprivate var pages: Range<UInt64> {
    isEmpty ? 0..<0 : lowerBound >> 12..<(upperBound - 1) >> 12 + 1
  }
}

/// `wrongRelease`, and those of `leakedMapping` that only the driver's trace shows.
extension Examination {
  /// Pages that may be mapped at a time: 32 GiB.
  private static let livePages = 8 << 20

  func checkReleases(_ lives: [UInt8: [TracedLife]]) {
    var ledgers: [UInt8: PageLedger] = [:]
    var next: [UInt8: Int] = [:]
    // What one entry may cost is bounded; an honest driver's entries are within a page table.
    var budget = 1_000_000 + trace.entries.count * 512
    for (index, entry) in trace.entries.enumerated() {
      let space = entry.addressSpace
      switch entry.event {
      case .bind:
        close(&ledgers[space], space, by: index, acknowledged: nil)
        let life = next[space, default: 0]
        next[space] = life + 1
        ledgers[space] = PageLedger(
          begin: index, invalidations: lives[space]?[life].invalidations ?? [])
      case .unbind(let error, let control):
        close(&ledgers[space], space, by: index, acknowledged: error == 0 ? control : nil)
      case .map(let map):
        budget -= Int(map.pages)
        guard budget >= 0, ledgers[space]?.liveCount ?? 0 < Self.livePages else { return giveUp() }
        if ledgers[space]?.isBound == true { ledgers[space]?.take(map) }
      case .unmap(let unmap):
        budget -= Int(unmap.pages)
        guard budget >= 0 else { return giveUp() }
        guard let breach = release(unmap, index, &ledgers[space]) else { continue }
        tell(breach, index, space)
      case .invalidation(let invalidation): ledgers[space]?.take(invalidation)
      case .reset, .die:
        for space in ledgers.keys { ledgers[space]?.forget() }
      case .fault, .submit, .complete: break
      }
    }
    guard expectsUnbinding else { return }
    for space in ledgers.keys.sorted() {
      guard let ledger = ledgers[space], ledger.isBound else { continue }
      findings.add(.leakedMapping, entries: [], events: [ledger.begin]) {
        "Address space \(space) was never unbound."
      }
      close(&ledgers[space], space, by: ledger.begin, acknowledged: nil)
    }
  }

  private func release(
    _ unmap: DriverTrace.Unmap, _ index: Int, _ ledger: inout PageLedger?
  ) -> PageLedger.Breach? {
    guard ledger?.isBound == true else { return .unmapped }
    return ledger?.take(unmap, entry: index)
  }

  private func close(
    _ ledger: inout PageLedger?, _ space: UInt8, by index: Int, acknowledged control: UInt32?
  ) {
    guard ledger?.isBound == true, let rest = ledger?.end(acknowledged: control) else { return }
    for entry in rest.early { tell(.early, entry, space) }
    guard rest.left > 0 else { return }
    findings.add(.leakedMapping, entries: [], events: [index]) {
      "\(rest.left) pages of address space \(space) were still mapped when it ended: the driver "
        + "never gave them back."
    }
  }

  private func tell(_ breach: PageLedger.Breach, _ index: Int, _ space: UInt8) {
    findings.add(.wrongRelease, entries: [], events: [index]) {
      switch breach {
      case .early:
        "The driver gave pages of address space \(space) back before the engine had acknowledged "
          + "the end of their mapping."
      case .unmapped:
        "The driver gave pages of address space \(space) back that it had not mapped."
      }
    }
  }

  private func giveUp() {
    limit(
      "The driver's trace has too many pages at a time: when they were given back was not checked.")
  }
}
