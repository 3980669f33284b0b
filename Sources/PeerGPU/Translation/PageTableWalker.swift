// SPDX-License-Identifier: Apache-2.0

import CDeviceABI
import CPeerGPU

/// Walks the page tables that the driver writes at the same time.
///
/// They are in the heap. An entry elsewhere is none: setting ACCESSED and DIRTY in what looks like
/// one would write to the rings, which are other address spaces' too.
struct PageTableWalker {
  /// What a walk finds.
  enum Outcome {
    /// The entry of the last level, with ACCESSED and, for a write, DIRTY set.
    case entry(UInt64)
    /// The driver has to be asked: `enum crossbar_gpu_fault_reason`.
    case fault(UInt32)
    /// A table lies outside of the heap.
    case badTable
  }

  private let memory: SharedWindow
  private let root: UInt64
  private let heap: Range<UInt64>

  /// - Parameter root: offset of the root table in `memory`.
  init(memory: SharedWindow, root: UInt64) {
    self.memory = memory
    self.root = root
    heap = Self.heap(of: memory)
  }

  private static func heap(of memory: SharedWindow) -> Range<UInt64> {
    VideoMemoryLayout.heap(of: UInt64(truncatingIfNeeded: memory.size))
  }

  /// Whether a table may be at `offset`.
  static func accepts(table offset: UInt64, in memory: SharedWindow) -> Bool {
    offset % UInt64(CROSSBAR_GPU_PAGE_SIZE) == 0 && heap(of: memory).contains(offset)
  }

  /// Finds the entry that maps `address`, of which the lower 48 bits are taken.
  func walk(_ address: UInt64, _ access: AccessKind) -> Outcome {
    let bits = UInt64(CROSSBAR_GPU_LEVEL_BITS)
    var table = root
    var level = UInt64(CROSSBAR_GPU_LEVELS)
    while true {
      level &-= 1
      let shift = UInt64(CROSSBAR_GPU_PAGE_SHIFT) &+ bits &* level
      let index = address &>> shift & ((1 &<< bits) &- 1)
      guard heap.contains(table), let at = memory.pointer(at: table &+ index &* 8, count: 8)
      else { return .badTable }
      if level == 0 { return take(at, access) }
      let entry = crossbar_load64(at)
      guard entry & CROSSBAR_GPU_PTE_VALID != 0 else {
        return .fault(CROSSBAR_GPU_NOT_PRESENT.rawValue)
      }
      table = entry & CROSSBAR_GPU_PTE_FRAME
    }
  }

  /// Sets ACCESSED and DIRTY in the entry that permits the access: the check holds for the very
  /// value that they are set in.
  private func take(_ at: UnsafeMutableRawPointer, _ access: AccessKind) -> Outcome {
    var entry = crossbar_load64(at)
    // A guest that changes the entry all the time gets a fault, not an engine that spins.
    for _ in 0..<64 {
      guard entry & CROSSBAR_GPU_PTE_VALID != 0 else { break }
      guard entry & access.permission == access.permission else {
        return .fault(CROSSBAR_GPU_NOT_PERMITTED.rawValue)
      }
      let wanted = entry | access.trace
      if wanted == entry { return .entry(entry) }
      let found = crossbar_cas64(at, entry, wanted)
      if found == entry { return .entry(wanted) }
      entry = found
    }
    return .fault(CROSSBAR_GPU_NOT_PRESENT.rawValue)
  }
}
