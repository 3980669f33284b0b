// SPDX-License-Identifier: Apache-2.0

import CDeviceABI
import SimulatedDriver
import Testing

@testable import PeerGPU

/// When the TLB has an entry for a whole block of pages.
@Suite struct TranslationBlockTests {
  private static let first = Rig.address >> 12

  /// A translator over the tables of a device, with 192 pages that are mapped one after the other.
  private struct Fixture {
    let rig: Rig
    let tables: PageTables
    let translator: Translator

    init() throws {
      rig = try Rig()
      tables = rig.driver.pageTables()
      tables.map(Rig.address, pages: 192, to: .bus(Rig.memoryBus), generation: 1)
      let memory = rig.device.memory.window
      translator = Translator(
        memory: memory, walker: PageTableWalker(memory: memory, root: tables.root),
        buffer: TranslationBuffer())
    }

    /// Translates pages, and says which of the three blocks have an entry then.
    func blocks(after pages: Range<Int>, _ access: AccessKind = .read) -> [Bool] {
      var runs: [Access] = []
      let done = translator.translate(
        Rig.address + UInt64(pages.lowerBound) * 4096, count: pages.count * 4096, access,
        ports: PortTable([]), into: &runs
      ).done
      #expect(done == pages.count * 4096)
      return blocks
    }

    var blocks: [Bool] {
      (0..<3).map {
        translator.buffer.blockEntry(at: TranslationBlockTests.first + 64 * UInt64($0)) != 0
      }
    }
  }

  @Test func aPassOverAllOfItsPagesMakesABlock() throws {
    let fixture = try Fixture()
    #expect(fixture.blocks(after: 0..<192) == [true, true, true])
    #expect(try Fixture().blocks(after: 0..<63) == [false, false, false])
    #expect(try Fixture().blocks(after: 1..<128) == [false, true, false])
    fixture.translator.buffer.drop(first: Self.first + 64, last: Self.first + 64)
    #expect(fixture.blocks == [true, false, true])
    fixture.translator.buffer.drop(first: Self.first + 63, last: Self.first + 128)
    #expect(fixture.blocks == [false, false, false])
  }

  @Test func framesOfOneGenerationHaveToFollowEachOther() throws {
    let gap = try Fixture()
    gap.tables.map(
      Rig.address + 70 * 4096, pages: 1, to: .bus(Rig.memoryBus + 1 << 20), generation: 1)
    #expect(gap.blocks(after: 0..<192) == [true, false, true])
    let newer = try Fixture()
    newer.tables.map(
      Rig.address + 127 * 4096, pages: 1, to: .bus(Rig.memoryBus + 127 * 4096), generation: 2)
    #expect(newer.blocks(after: 0..<192) == [true, false, true])
  }

  @Test func aBlockHasWhatAllOfItsPagesHave() throws {
    let fixture = try Fixture()
    #expect(fixture.blocks(after: 0..<3, .write) == [false, false, false])
    #expect(fixture.blocks(after: 0..<64)[0])
    let dirty = CROSSBAR_GPU_PTE_DIRTY
    #expect(fixture.translator.buffer.blockEntry(at: Self.first) & dirty == 0)
    #expect(fixture.blocks(after: 0..<64, .write)[0])
    #expect(fixture.translator.buffer.blockEntry(at: Self.first) & dirty != 0)
    // A block that is not written yet does not keep a write from marking its pages.
    #expect((0..<64).allSatisfy { fixture.tables.entry(Rig.address + $0 * 4096) & dirty != 0 })
  }
}
