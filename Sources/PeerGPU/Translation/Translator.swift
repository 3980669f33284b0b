// SPDX-License-Identifier: Apache-2.0

import CDeviceABI

/// Virtual addresses to runs of bus addresses, by the TLB or by a walk. Belongs to whoever holds
/// the address space's gate.
struct Translator {
  /// Why not all of a range could be translated.
  enum Stop {
    case fault(address: UInt64, reason: UInt32)
    case badTable
  }

  let memory: SharedWindow
  let walker: PageTableWalker
  let buffer: TranslationBuffer

  /// Bits of an entry that say where a page is and whose map it is.
  fileprivate static let identity =
    CROSSBAR_GPU_PTE_FRAME | CROSSBAR_GPU_PTE_BUS
    | (UInt64.max &<< UInt64(CROSSBAR_GPU_PTE_GENERATION_SHIFT))

  /// Appends the runs of `count` bytes from `address` on to `runs`: pages with contiguous frames of
  /// one generation become one run.
  ///
  /// - Returns: bytes that were translated, and why not more.
  func translate(
    _ address: UInt64, count: Int, _ access: AccessKind, ports: PortTable,
    into runs: inout [Access]
  ) -> (done: Int, stop: Stop?) {
    let needed = access.permission | access.trace
    let pageSize = UInt64(CROSSBAR_GPU_PAGE_SIZE)
    let blockSize = TranslationBuffer.blockPages &* pageSize
    var done = 0
    var runStart = 0
    var runEntry: UInt64 = 0
    var expected: UInt64 = 0
    var block = BlockBuilder()
    var stop: Stop?
    while done < count {
      let at = address &+ UInt64(truncatingIfNeeded: done)
      let page = at &>> UInt64(CROSSBAR_GPU_PAGE_SHIFT)
      var size = pageSize
      var entry: UInt64 = 0
      if at % blockSize == 0, UInt64(truncatingIfNeeded: count &- done) >= blockSize {
        entry = buffer.blockEntry(at: page)
        if entry & needed == needed { size = blockSize }
      }
      if size == pageSize {
        entry = buffer.entry(of: page)
        if entry & needed != needed {
          switch walker.walk(at, access) {
          case .entry(let found):
            entry = found
            buffer.insert(found, page: page)
          case .fault(let reason):
            stop = .fault(address: at & ~(pageSize &- 1), reason: reason)
          case .badTable:
            stop = .badTable
          }
          if stop != nil { break }
        }
        if let whole = block.add(entry, page, isNext: entry & Self.identity == expected) {
          buffer.insertBlock(whole, at: page &- (TranslationBuffer.blockPages &- 1))
        }
      }
      let identity = entry & Self.identity
      if done == 0 {
        runEntry = identity
      } else if identity != expected {
        append(runEntry, address, runStart, done, ports, &runs)
        runStart = done
        runEntry = identity
      }
      expected = identity &+ size
      done = min(count, done &+ Int(truncatingIfNeeded: size &- (at & (pageSize &- 1))))
    }
    if done > runStart { append(runEntry, address, runStart, done, ports, &runs) }
    return (done, stop)
  }

  /// Finds blocks among the pages that are translated one after the other.
  private struct BlockBuilder {
    /// What all pages since the block's first one have, with that one's frame; 0 without one.
    private var common: UInt64 = 0

    /// Adds a page.
    ///
    /// - Parameter isNext: its frame follows the one before, in the same generation.
    /// - Returns: the block's entry, if this is its last page.
    @inline(__always)
    mutating func add(_ entry: UInt64, _ page: UInt64, isNext: Bool) -> UInt64? {
      let place = page % TranslationBuffer.blockPages
      if place == 0 {
        common = entry
      } else if isNext {
        common &= entry | Translator.identity
      } else {
        common = 0
      }
      return place == TranslationBuffer.blockPages &- 1 && common != 0 ? common : nil
    }
  }

  /// Appends the run from `start` to `end`, in as many accesses as it has destinations.
  private func append(
    _ entry: UInt64, _ address: UInt64, _ start: Int, _ end: Int, _ ports: PortTable,
    _ runs: inout [Access]
  ) {
    let generation = UInt16(
      truncatingIfNeeded: entry &>> UInt64(CROSSBAR_GPU_PTE_GENERATION_SHIFT))
    var virtual = address &+ UInt64(truncatingIfNeeded: start)
    // Only the first page of the whole range begins within a page.
    var frame =
      (entry & CROSSBAR_GPU_PTE_FRAME) &+ (virtual & UInt64(CROSSBAR_GPU_PAGE_SIZE &- 1))
    var left = end &- start
    while left > 0 {
      let destination =
        entry & CROSSBAR_GPU_PTE_BUS != 0
        ? ports.resolve(frame, count: left) : video(frame, count: left)
      runs.append(
        Access(
          virtual: virtual, bus: frame, logged: destination.logged, length: destination.length,
          pointer: destination.pointer, port: destination.port, kind: destination.kind,
          loggedKind: destination.kind, generation: generation))
      virtual &+= UInt64(truncatingIfNeeded: destination.length)
      frame &+= UInt64(truncatingIfNeeded: destination.length)
      left &-= destination.length
    }
  }

  /// Heap or aperture. No page table leads to the control page and the rings, whatever it says: a
  /// command can't be made to write what the device itself goes by.
  private func video(_ offset: UInt64, count: Int) -> PortTable.Destination {
    let size = UInt64(truncatingIfNeeded: memory.size)
    guard offset >= UInt64(CROSSBAR_GPU_CONTROL_SIZE), offset < size else {
      return PortTable.Destination(
        kind: .none, port: -1, pointer: nil, logged: offset, length: count)
    }
    return PortTable.Destination(
      kind: .video, port: -1, pointer: memory.base + Int(truncatingIfNeeded: offset),
      logged: offset, length: min(count, Int(truncatingIfNeeded: size &- offset)))
  }
}
