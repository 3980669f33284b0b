// SPDX-License-Identifier: Apache-2.0

/// The TLB of an address space: copies of page-table entries, one slot for each hash of a page number. Belongs to whoever holds the address space's gate.
final class TranslationBuffer {
  private struct Slot {
    /// Page number plus one; 0 is an empty slot.
    var tag: UInt64
    var entry: UInt64
  }

  private static let count = 4096
  private let slots: UnsafeMutablePointer<Slot>

  init() {
    slots = .allocate(capacity: Self.count)
    slots.initialize(repeating: Slot(tag: 0, entry: 0), count: Self.count)
  }

  deinit { slots.deallocate() }

  /// The entry of page number `page`, or 0.
  @inline(__always)
  func entry(of page: UInt64) -> UInt64 {
    let slot = slots[index(page)]
    return slot.tag == page &+ 1 ? slot.entry : 0
  }

  @inline(__always)
  func insert(_ entry: UInt64, page: UInt64) {
    slots[index(page)] = Slot(tag: page &+ 1, entry: entry)
  }

  /// Forgets the pages `first` to `last`.
  func drop(first: UInt64, last: UInt64) {
    if last &- first < UInt64(Self.count) {
      var page = first
      while page <= last {
        if slots[index(page)].tag == page &+ 1 { slots[index(page)].tag = 0 }
        page &+= 1
      }
    } else {
      for index in 0..<Self.count {
        let page = slots[index].tag &- 1
        if page >= first, page <= last { slots[index].tag = 0 }
      }
    }
  }

  @inline(__always)
  private func index(_ page: UInt64) -> Int {
    // Ranges that are used together often begin at the same page of different large blocks.
    let mixed = page ^ page &>> 9 &* 0x9E5 ^ page &>> 21 &* 0x1A7
    return Int(truncatingIfNeeded: mixed & UInt64(truncatingIfNeeded: Self.count &- 1))
  }
}
