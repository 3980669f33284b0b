// SPDX-License-Identifier: Apache-2.0

import CDeviceABI

/// The pages that an address space has mapped, from its `ivgpu_bind` on: when may they be given back?
///
/// A page may go when the engine has acknowledged an invalidation of it, or the address space's
/// UNBIND, or has been reset since. `ivgpu_unmap` has the engine's end of the control ring as it was
/// when the page went, so an index below it was acknowledged.
struct PageLedger {
  /// Pages that were given back before anything that was known then allowed it.
  struct Release: Hashable {
    /// Index of the `ivgpu_unmap`.
    var entry: Int
    /// The engine's end of the control ring then.
    var tail: UInt32
    /// Generation of the invalidation that the driver did not wait for; nil if there was none.
    var generation: UInt64?
  }

  /// The driver's account of the address space.
  let life: TracedLife
  /// It is bound.
  private(set) var isBound = true

  /// The generation of the newest mapping of each page that is mapped, by page number.
  private var live: [UInt64: UInt64] = [:]
  private var revoked: RevokedRanges
  /// Invalidations that nobody has seen acknowledged, in the order of the control ring.
  private var pending: ArraySlice<AccessLog.Invalidation> = []
  private var unproven: [Release] = []
  /// The engine has been reset since, or given up: it knows no mapping, nor learns of one.
  private var isForgotten = false

  /// Nothing is mapped.
  init(_ life: TracedLife) {
    self.life = life
    revoked = RevokedRanges(life.invalidations.map(\.range))
  }

  /// How many pages are mapped.
  var liveCount: Int { live.count }

  mutating func take(_ map: DriverTrace.Map) {
    for page in map.range.pages { live[page] = map.generation }
  }

  mutating func take(_ invalidation: AccessLog.Invalidation) {
    pending.append(invalidation)
  }

  /// Pages are given back, by the trace entry `entry`.
  ///
  /// - Returns: whether all of them were mapped.
  mutating func take(_ unmap: DriverTrace.Unmap, entry: Int) -> Bool {
    while let next = pending.first, unmap.acknowledges(next.index) {
      pending.removeFirst()
      revoked.revoke(
        next.range, RevokedRanges.Revocation(generation: next.generation, source: 0))
    }
    var early: (page: UInt64, generation: UInt64)?
    var areMapped = true
    for page in unmap.range.pages {
      guard let generation = live.removeValue(forKey: page) else {
        areMapped = false
        continue
      }
      guard early == nil, !isForgotten else { continue }
      let range = page << 12..<(page << 12) + 4096
      if revoked.first(of: range, from: generation) == nil { early = (page << 12, generation) }
    }
    if let early {
      // The control ring holds no more.
      let due = pending.suffix(Int(CROSSBAR_GPU_CONTROL_ENTRIES)).first {
        $0.generation >= early.generation && $0.range.contains(early.page)
      }
      unproven.append(Release(entry: entry, tail: unmap.tail, generation: due?.generation))
    }
    return areMapped
  }

  /// The engine has forgotten everything: it was reset, or will never do anything again.
  mutating func forget() {
    isForgotten = true
    pending = []
  }

  /// The address space is unbound, by the request `index` if the engine has acknowledged that.
  ///
  /// - Returns: what went too early, and how many pages are left.
  mutating func end(acknowledged index: UInt32?) -> (early: [Release], left: Int) {
    defer {
      isBound = false
      unproven = []
      live = [:]
      pending = []
    }
    let early = unproven.filter { page in
      index.map { !DriverTrace.isBefore($0, tail: page.tail) } ?? true
    }
    return (early, live.count)
  }
}

extension Range<UInt64> {
  /// The numbers of the pages of 4 KiB that it touches.
  fileprivate var pages: Range<UInt64> {
    isEmpty ? 0..<0 : lowerBound >> 12..<(upperBound - 1) >> 12 + 1
  }
}
