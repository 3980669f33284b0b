// SPDX-License-Identifier: Apache-2.0

import CDeviceABI
import CPeerGPU
import PeerGPU

/// Where a page is, and what may be done with it.
public struct PageTarget: Sendable {
  /// Bus address, or offset in video memory; a multiple of the page size.
  public var frame: UInt64
  /// `CROSSBAR_GPU_PTE_*` but VALID.
  public var flags: UInt64

  /// System memory or another device's BAR.
  public static func bus(_ address: UInt64, writable: Bool = true, atomic: Bool = true) -> Self {
    Self(frame: address, flags: CROSSBAR_GPU_PTE_BUS | bits(writable, atomic))
  }

  /// The GPU's own memory.
  public static func video(_ offset: UInt64, writable: Bool = true, atomic: Bool = true) -> Self {
    Self(frame: offset, flags: bits(writable, atomic))
  }

  private static func bits(_ writable: Bool, _ atomic: Bool) -> UInt64 {
    (writable ? CROSSBAR_GPU_PTE_WRITABLE : 0) | (atomic ? CROSSBAR_GPU_PTE_ATOMIC : 0)
  }
}

/// One address space's page tables, written as the driver writes them. Not thread-safe.
public final class PageTables {
  /// Offset of the root table.
  public let root: UInt64
  private let memory: SharedWindow
  private let allocate: () -> UInt64

  /// - Parameter allocate: gives the offset of a zeroed page of video memory.
  public init(memory: SharedWindow, allocate: @escaping () -> UInt64) {
    self.memory = memory
    self.allocate = allocate
    root = allocate()
  }

  /// Maps `count` pages from `address` on to contiguous frames.
  public func map(_ address: UInt64, pages count: Int, to target: PageTarget, generation: UInt64) {
    for page in 0..<UInt64(count) {
      let entry =
        (target.frame + page << 12) | target.flags | CROSSBAR_GPU_PTE_VALID
        | (generation % UInt64(CROSSBAR_GPU_PTE_GENERATIONS)) << CROSSBAR_GPU_PTE_GENERATION_SHIFT
      set(address + page << 12, entry)
    }
  }

  /// Clears the entries of `count` pages.
  public func unmap(_ address: UInt64, pages count: Int) {
    for page in 0..<UInt64(count) { set(address + page << 12, 0) }
  }

  /// The entry of the page at `address`.
  public func entry(_ address: UInt64) -> UInt64 {
    slot(address).map { crossbar_load64($0) } ?? 0
  }

  /// Replaces the entry of the page at `address`.
  public func set(_ address: UInt64, _ entry: UInt64) {
    if let slot = slot(address) { crossbar_store64(slot, entry) }
  }

  /// The table of `level` (3 is the root's) that leads to `address`, made where there is none.
  @discardableResult
  public func table(_ level: Int, of address: UInt64) -> UInt64 {
    var table = root
    for current in stride(from: 3, to: level, by: -1) {
      let index = address >> UInt64(12 + 9 * current) & 511
      guard let at = memory.pointer(at: table + index * 8, count: 8) else { return table }
      var entry = crossbar_load64(at)
      if entry & CROSSBAR_GPU_PTE_VALID == 0 {
        entry = allocate() | CROSSBAR_GPU_PTE_VALID
        crossbar_store64(at, entry)
      }
      table = entry & CROSSBAR_GPU_PTE_FRAME
    }
    return table
  }

  private func slot(_ address: UInt64) -> UnsafeMutableRawPointer? {
    memory.pointer(at: table(0, of: address) + (address >> 12 & 511) * 8, count: 8)
  }
}
