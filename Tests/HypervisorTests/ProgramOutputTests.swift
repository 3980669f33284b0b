// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Hypervisor

@Suite struct ProgramOutputTests {
  @Test func givesWhatLiesBetweenTheMarks() throws {
    var output = ProgramOutput(token: "7", limit: 1000)
    #expect(try output.take("crossbar-begin 7\none\n".utf8) == .init(lines: ["one"]))
    #expect(output.begun)
    #expect(try output.take("two\n\ncrossbar-end 7 3\n".utf8) == .init(lines: ["two"], status: 3))
  }

  @Test func dropsWhatAnEarlierProgramLeft() throws {
    var output = ProgramOutput(token: "7", limit: 1000)
    let step = try output.take("old\ncrossbar-end 6 0\nhalf a lincrossbar-begin 7\nnew\n".utf8)
    #expect(step == .init(lines: ["new"]))
  }

  @Test func keepsALastLineThatWasNotEnded() throws {
    var output = ProgramOutput(token: "7", limit: 1000)
    let step = try output.take("crossbar-begin 7\nlast\ncrossbar-end 7 0\n".utf8)
    #expect(step == .init(lines: ["last"], status: 0))
  }

  @Test func keepsEmptyLinesOfTheProgram() throws {
    var output = ProgramOutput(token: "7", limit: 1000)
    let step = try output.take("crossbar-begin 7\n\n\nx\n\n\ncrossbar-end 7 0\n".utf8)
    #expect(step == .init(lines: ["", "", "x", ""], status: 0))
  }

  @Test func takesAnotherRunsEndForText() throws {
    var output = ProgramOutput(token: "7", limit: 1000)
    let step = try output.take("crossbar-begin 7\ncrossbar-end 8 0\ncrossbar-end 7 x\n".utf8)
    #expect(step == .init(lines: ["crossbar-end 8 0", "crossbar-end 7 x"]))
  }

  @Test func boundsTheWhole() throws {
    var output = ProgramOutput(token: "7", limit: 40)
    _ = try output.take("crossbar-begin 7\n".utf8)
    #expect(throws: ProgramOutput.Excess.total) {
      try output.take(String(repeating: "x\n", count: 30).utf8)
    }
  }

  @Test func boundsTheNumberOfLines() throws {
    var output = ProgramOutput(token: "7", limit: 1 << 30, lines: 3)
    #expect(try output.take("crossbar-begin 7\n\n\nx\n".utf8).lines == ["", "", "x"])
    #expect(throws: ProgramOutput.Excess.lines) { try output.take("\n".utf8) }
  }

  @Test func aMegabyteOfOutputMayHaveSoManyLines() {
    #expect(ProgramLimits().lines == 1 << 20)
    #expect(ProgramLimits(output: 512 << 20).lines == 8 << 20)
  }

  @Test func boundsALine() throws {
    var output = ProgramOutput(token: "7", limit: 1 << 30)
    _ = try output.take("crossbar-begin 7\n".utf8)
    #expect(throws: ProgramOutput.Excess.line) {
      try output.take([UInt8](repeating: 0x78, count: ProgramRun.lineLimit + 1))
    }
  }
}
