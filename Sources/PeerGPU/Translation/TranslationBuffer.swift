// SPDX-License-Identifier: Apache-2.0

/// The TLB of an address space: copies of page-table entries, one slot for each hash of a page number,
/// and the same for blocks of pages whose frames are contiguous. Belongs to whoever holds the address
/// space's gate.
final class TranslationBuffer {
  /// Pages of a block, which begins at a multiple of as many.
  static let blockPages: UInt64 = 64

  private let pages = SlotTable(count: 4096)
  private let blocks = SlotTable(count: 1024)

  /// The entry of page number `page`, or 0.
  @inline(__always)
  func entry(of page: UInt64) -> UInt64 { pages.entry(of: page) }

  @inline(__always)
  func insert(_ entry: UInt64, page: UInt64) { pages.insert(entry, page) }

  /// The entry of the first page of the block that begins with page number `page`, with the
  /// permissions and traces that all of its pages have; or 0.
  @inline(__always)
  func blockEntry(at page: UInt64) -> UInt64 { blocks.entry(of: page / Self.blockPages) }

  @inline(__always)
  func insertBlock(_ entry: UInt64, at page: UInt64) {
    blocks.insert(entry, page / Self.blockPages)
  }

  /// Forgets the pages `first` to `last`, and the blocks that have one of them.
  func drop(first: UInt64, last: UInt64) {
    pages.drop(first: first, last: last)
    blocks.drop(first: first / Self.blockPages, last: last / Self.blockPages)
  }
}

/// Entries by number, one slot for each hash of it.
private final class SlotTable {
  private struct Slot {
    /// The number plus one; 0 is an empty slot.
    var tag: UInt64
    var entry: UInt64
  }

  private let count: Int
  private let slots: UnsafeMutablePointer<Slot>

  /// - Parameter count: a power of two.
  init(count: Int) {
    self.count = count
    slots = .allocate(capacity: count)
    slots.initialize(repeating: Slot(tag: 0, entry: 0), count: count)
  }

  deinit { slots.deallocate() }

  @inline(__always)
  func entry(of number: UInt64) -> UInt64 {
    let slot = slots[index(number)]
    return slot.tag == number &+ 1 ? slot.entry : 0
  }

  @inline(__always)
  func insert(_ entry: UInt64, _ number: UInt64) {
    slots[index(number)] = Slot(tag: number &+ 1, entry: entry)
  }

  func drop(first: UInt64, last: UInt64) {
    if last &- first < UInt64(count) {
      var number = first
      while number <= last {
        if slots[index(number)].tag == number &+ 1 { slots[index(number)].tag = 0 }
        number &+= 1
      }
    } else {
      for index in 0..<count {
        let number = slots[index].tag &- 1
        if number >= first, number <= last { slots[index].tag = 0 }
      }
    }
  }

  @inline(__always)
  private func index(_ number: UInt64) -> Int {
    // Ranges that are used together often begin at the same page of different large blocks.
    let mixed = number ^ number &>> 9 &* 0x9E5 ^ number &>> 21 &* 0x1A7
    return Int(truncatingIfNeeded: mixed & UInt64(truncatingIfNeeded: count &- 1))
  }
}
