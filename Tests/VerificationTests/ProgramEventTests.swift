// SPDX-License-Identifier: Apache-2.0

import GoldenData
import Testing
import Verification

@Suite struct ProgramEventTests {
  static let phaseLine = """
    # xbar {"t":"phase","n":1,"phase":"direct","errno":0,"bytes":4096,"ns":51234,"claim":"peer",\
    "transfers":[{"dir":"read","nsid":1,"extents":[[1048576,4096],[2097152,512]]}],"mismatch":null}
    """
  static let fileLine = """
    # xbar {"t":"file","volume":"ns0","path":"/w/x.direct","file":7,"size":12288,\
    "extents":[[0,1048576,4096,0],[8192,4096,4096,1]],"segments":[\
    {"len":4096,"kind":"cells","file":7,"gen":2,"off":0},{"len":8192,"kind":"zeros"}]}
    """
  static let inspectLine = """
    # xbar {"t":"inspect","n":1,"phase":"direct","peer":"gpu0","at":2097152,"segments":[\
    {"len":4096,"kind":"cells","file":1,"gen":1,"off":512},{"len":64,"kind":"byte","byte":165}]}
    """

  @Test func readsThePlanOfBothKinds() throws {
    #expect(try ProgramEvent(line: "1..12") == .plan(cases: 12))
    #expect(
      try ProgramEvent(line: #"# xbar {"t":"plan","cases":12,"suite":"p2pdma"}"#)
        == .plan(cases: 12))
  }

  @Test func readsACase() throws {
    let line = """
      # xbar {"t":"case","n":1,"name":"ns0.gpu0.read-4k","volume":"ns0","peer":"gpu0","op":"read"}
      """
    #expect(
      try ProgramEvent(line: line)
        == .begin(
          CaseHeader(n: 1, name: "ns0.gpu0.read-4k", volume: "ns0", peer: "gpu0", op: .read)))
  }

  @Test func readsAPhaseWithItsTransfers() throws {
    guard case .phase(let report) = try ProgramEvent(line: Self.phaseLine) else {
      Issue.record("no phase")
      return
    }
    #expect(report.n == 1 && report.phase == .direct && report.claim == .peer)
    #expect(report.ns == 51234 && report.bytes == 4096)
    #expect(report.transfers.first?.ranges.map(\.offset) == [1_048_576, 2_097_152])
    #expect(report.transferredBytes == 4608)
    #expect(report.mismatch == nil)
  }

  @Test func readsAnInspection() throws {
    guard case .inspect(let inspection) = try ProgramEvent(line: Self.inspectLine) else {
      Issue.record("no inspection")
      return
    }
    #expect(inspection.at == 2_097_152)
    #expect(
      inspection.segments.map(\.segment) == [
        Segment(length: 4096, kind: .cells(GoldenFile(file: 1, generation: 1), offset: 512)),
        Segment(length: 64, kind: .byte(165)),
      ])
  }

  @Test func readsAFileWithItsExtents() throws {
    guard case .file(let file) = try ProgramEvent(line: Self.fileLine) else {
      Issue.record("no file")
      return
    }
    #expect(file.extents.place(of: 100) == "extent 0, disk block 256")
    #expect(file.extents.place(of: 8192) == "unwritten extent 1, disk block 1")
    #expect(file.content.length == 12288)
  }

  @Test func readsResultLines() throws {
    #expect(
      try ProgramEvent(line: "ok 3 ns0.gpu0.read-4k")
        == .result(CaseVerdictLine(n: 3, name: "ns0.gpu0.read-4k", status: .passed)))
    #expect(
      try ProgramEvent(line: "ok 3 a # SKIP no space left")
        == .result(CaseVerdictLine(n: 3, name: "a", status: .skipped("no space left"))))
    #expect(
      try ProgramEvent(line: "not ok 3 - a # it broke")
        == .result(CaseVerdictLine(n: 3, name: "a", status: .failed("it broke"))))
  }

  @Test func leavesOtherLinesAlone() throws {
    for line in ["KTAP version 1", "# a remark", "", "okay", "Bail out! no such disk"] {
      #expect(try ProgramEvent(line: line) == .other(line))
    }
  }

  @Test func explainsAGuestsMismatch() throws {
    #expect(
      wrongZeros.description == "from file offset 4096 on, the guest found zeros where file 1, "
        + "generation 1, offset 4096 belongs")
    let stale = GuestMismatch(
      offset: 4096, expected: "cells file 1 gen 3 off 4096",
      found: FoundBytes(GoldenFile(file: 1, generation: 2).bytes(from: 4096, count: 32)))
    #expect(stale.description.contains("found stale: generation 2 where"))
    var flipped = GoldenFile(file: 1, generation: 3).bytes(from: 4096, count: 32)
    flipped[5] ^= 4
    let flip = GuestMismatch(
      offset: 4096, expected: "cells file 1 gen 3 off 4096", found: FoundBytes(flipped))
    #expect(flip.description.contains("a flipped bit: bit 2 of byte 4101"))
    let short = GuestMismatch(offset: 8, expected: "4 more bytes", found: FoundBytes([]))
    #expect(short.description == "from file offset 8 on, the guest got nothing: 4 more bytes")
  }

  @Test(arguments: [
    "# xbar ", "# xbar {", "# xbar []", "# xbar {}", #"# xbar {"t":"party"}"#,
    #"# xbar {"t":"plan","cases":-1}"#, #"# xbar {"t":"plan","cases":70000}"#,
    #"# xbar {"t":"plan","cases":1e300}"#,
    #"# xbar {"t":"case","n":0,"name":"a","volume":"b","peer":"c","op":"read"}"#,
    #"# xbar {"t":"case","n":1,"name":"a","volume":"b","peer":"c","op":"eat"}"#,
    phaseLine.replacingOccurrences(of: "51234", with: "-1"),
    phaseLine.replacingOccurrences(of: #""errno":0"#, with: #""errno":99999"#),
    phaseLine.replacingOccurrences(of: "[2097152,512]", with: "[2097152]"),
    phaseLine.replacingOccurrences(of: "2097152", with: "18446744073709551615"),
    phaseLine.replacingOccurrences(
      of: #""mismatch":null"#,
      with:
        #""mismatch":{"at":1,"expected":"x","found":"0g"}"#),
    fileLine.replacingOccurrences(of: "[8192,4096,4096,1]", with: "[0,4096,4096,1]"),
    fileLine.replacingOccurrences(of: "[8192,4096,4096,1]", with: "[8192,4096,4096,2]"),
    fileLine.replacingOccurrences(of: "12288", with: "12289"),
    fileLine.replacingOccurrences(of: "12288", with: "18446744073709551615"),
    inspectLine.replacingOccurrences(of: #""len":64"#, with: #""len":18446744073709551615"#),
    inspectLine.replacingOccurrences(of: #""kind":"byte""#, with: #""kind":"byt""#),
    "1..", "1..x", "1..-5", "ok x", "ok 0 a", "not ok 99999999999999999999 a",
  ])
  func refusesWhatCannotBe(line: String) {
    #expect(throws: ProtocolViolation.self) { try ProgramEvent(line: line) }
  }

  @Test func refusesLinesThatAreTooLong() {
    #expect(throws: ProtocolViolation.self) {
      try ProgramEvent(line: "# " + String(repeating: "x", count: 70000))
    }
  }

  @Test func refusesDeepNesting() {
    #expect(throws: ProtocolViolation.self) {
      try ProgramEvent(line: "# xbar " + String(repeating: "[", count: 60000))
    }
  }

  @Test func saysWhichKeyIsWrong() {
    #expect {
      try ProgramEvent(line: #"# xbar {"t":"case","n":1,"name":"a","volume":"b","peer":"c"}"#)
    } throws: {
      "\($0)" == "the key `op` is missing"
    }
    #expect {
      try ProgramEvent(line: #"# xbar {"t":"plan","cases":"many"}"#)
    } throws: {
      "\($0)" == "the key `cases` has a value of the wrong type"
    }
  }

  @Test func survivesMutatedLines() {
    var generator = SeededGenerator(state: 2026)
    let lines = [
      Self.phaseLine, Self.fileLine, Self.inspectLine, "ok 3 a # SKIP b", "1..7",
    ].map { Array($0.utf8) }
    var accepted = 0
    for round in 0..<3000 {
      let line = String(decoding: generator.mutate(lines[round % lines.count]), as: UTF8.self)
      if (try? ProgramEvent(line: line)) != nil { accepted += 1 }
    }
    #expect(accepted > 100 && accepted < 2900)
  }
}
