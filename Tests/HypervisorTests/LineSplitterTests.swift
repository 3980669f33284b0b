// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Hypervisor

@Suite struct LineSplitterTests {
  @Test func joinsWhatArrivesInPieces() throws {
    var splitter = LineSplitter(limit: 10, excess: .refuse)
    #expect(try splitter.take("ab".utf8) == [])
    #expect(try splitter.take("c\r\nd\n\ne".utf8) == ["abc", "d", ""])
    #expect(splitter.rest() == "e")
    #expect(splitter.rest() == nil)
  }

  @Test func takesALineOfExactlyTheLimit() throws {
    var splitter = LineSplitter(limit: 3, excess: .refuse)
    #expect(try splitter.take("abc\n".utf8) == ["abc"])
  }

  @Test func refusesALongerOne() {
    var splitter = LineSplitter(limit: 3, excess: .refuse)
    #expect(throws: LineSplitter.LineTooLong.self) { try splitter.take("abcd".utf8) }
  }

  @Test func truncatesALongerOneOnce() throws {
    var splitter = LineSplitter(limit: 3, excess: .truncate)
    #expect(try splitter.take("abcdefgh".utf8) == ["abc"])
    #expect(try splitter.take("ij\nk\n".utf8) == ["k"])
  }

  @Test func survivesBytesThatAreNoText() throws {
    var splitter = LineSplitter(limit: 10, excess: .refuse)
    #expect(try splitter.take([0xFF, 0x00, 0x0A]) == ["\u{FFFD}\0"])
  }
}
