// SPDX-License-Identifier: Apache-2.0

import Testing
import Verification

@Suite struct GPUEdgeTests {
  private static let end =
    #"# xbar {"t":"gpu","n":3,"edge":"end","commands":5,"faults":4,"aborts":1,"#
    + #""direct":64,"fallback":8,"refusals":2,"leaves":false}"#

  private static func begin(_ claim: String) -> String {
    #"# xbar {"t":"gpu","n":3,"edge":"begin","claim":"# + claim + "}"
  }

  private func edge(_ line: String) throws -> GPUEdge {
    guard case .gpu(let edge) = try ProgramEvent(line: line) else {
      throw ProtocolViolation("no edge")
    }
    return edge
  }

  @Test(
    arguments: [
      ("memory", .memory), ("video", .video), ("mixed", .mixed), ("direct:nvme0", .direct("nvme0")),
      ("direct:a:b", .direct("a:b")),
    ] as [(String, DMAClaim)])
  func readsAClaim(text: String, claim: DMAClaim) throws {
    let edge = try edge(Self.begin("\"\(text)\""))
    #expect(edge.n == 3 && edge.side == .begin && edge.claim == claim && edge.counts == nil)
  }

  @Test func readsPagesByPath() throws {
    let counts = try #require(try edge(Self.end).counts)
    #expect(counts.commands == 5 && counts.faults == 4 && counts.aborts == 1)
    #expect(counts.pages == PageCounts(direct: 64, fallback: 8, refusals: 2))
  }

  @Test func readsWhetherAFileIsLeft() throws {
    #expect(try !edge(Self.end).leavesFile)
    #expect(try edge(Self.end.replacing(#""leaves":false"#, with: #""leaves":true"#)).leavesFile)
  }

  @Test func pagesAreNotOwedByEveryProgram() throws {
    let line = Self.end.replacing(#","direct":64,"fallback":8,"refusals":2"#, with: "")
    #expect(try edge(line).counts == GPUCounts(commands: 5, faults: 4, aborts: 1))
  }

  @Test(arguments: [
    begin("\"\""), begin("\"direct\""), begin("\"direct:\""), begin("\"Memory\""), begin("1"),
    begin("\"direct:" + String(repeating: "x", count: 300) + "\""),
    end.replacing(#","direct":64"#, with: ""), end.replacing(#","refusals":2"#, with: ""),
    end.replacing(#""direct":64"#, with: #""direct":-1"#),
    end.replacing(#""fallback":8"#, with: #""fallback":18446744073709551616"#),
    end.replacing(#""refusals":2"#, with: #""refusals":"2""#),
    end.replacing(#""faults":4"#, with: #""faults":0.5"#),
    end.replacing(#","leaves":false"#, with: ""), end.replacing(#":false"#, with: #":0"#),
  ])
  func refusesWhatCannotBe(line: String) {
    #expect(throws: ProtocolViolation.self) { try ProgramEvent(line: line) }
  }

  @Test func survivesMutatedLines() {
    var generator = SeededGenerator(state: 4)
    let lines = [Self.end, Self.begin("\"direct:nvme0\"")].map { Array($0.utf8) }
    var accepted = 0
    for round in 0..<2000 {
      let line = String(decoding: generator.mutate(lines[round % 2]), as: UTF8.self)
      if (try? ProgramEvent(line: line)) != nil { accepted += 1 }
    }
    #expect(accepted > 50 && accepted < 1950, "\(accepted)")
  }
}
