// SPDX-License-Identifier: Apache-2.0

import Foundation
import FoundationXML
import Testing
import Topology
import Verification

@testable import Reporting

@Suite struct ReportTests {
  private static let hostile = "<script>\u{1B}[31m&\u{202E}\u{0}"

  private func record(_ outcome: CaseOutcome, interruption: String? = nil) -> RunRecord {
    let topology = Topology(
      name: "t", summary: Self.hostile,
      machine: Machine(cpu: "max", vcpus: 1, memory: .gibibytes(1)), pcie: [], nvme: [], gpus: [],
      routes: [], limits: [])
    let item = CaseRecord(
      name: "ns0.gpu0.\(Self.hostile)", volume: "ns0", peer: "gpu0", operation: .read,
      expectedRoute: .switch, outcome: outcome)
    return RunRecord(
      suite: "p2pdma", topology: topology, topologyFile: "t.yaml", strict: false, cases: [item],
      interruption: interruption, timings: RunRecord.Timings(),
      environment: RunRecord.Environment(
        crossbar: "0", hostKernel: "6", hostProcessors: 2, qemu: "7.2", libvirt: "9",
        accelerator: "tcg"), kernel: RunRecord.Kernel(release: "7.2", origin: "here"), console: [])
  }

  private func terminal(_ record: RunRecord) -> String {
    TerminalReport(record, directory: "runs/x", columns: 100, coloured: false).text
  }

  @Test func nothingOfAGuestSteersTheTerminal() {
    let text = terminal(record(CaseOutcome(.failed, .wrongPath, Self.hostile)))
    #expect(!text.unicodeScalars.contains("\u{1B}"))
    #expect(!text.unicodeScalars.contains("\u{202E}"))
    #expect(!text.unicodeScalars.contains("\u{0}"))
  }

  @Test func aFailureIsExplainedFirst() {
    let text = terminal(record(CaseOutcome(.failed, .silentCorruption, "It is all zeros.")))
    #expect(text.contains("FAILED"))
    #expect(text.contains("silent corruption"))
    #expect(text.contains("It is all zeros."))
    #expect(text.contains("runs/x"))
  }

  @Test func anInterruptedSuiteIsNeverVerified() {
    let record = record(CaseOutcome(.verified), interruption: "The guest panicked.")
    #expect(record.verdict == .failed)
    #expect(terminal(record).contains("The guest panicked."))
  }

  @Test func aRunWithoutCasesIsNotVerified() {
    var empty = record(CaseOutcome(.verified))
    empty = RunRecord(
      suite: empty.suite, topology: empty.topology, topologyFile: "t", strict: false, cases: [],
      interruption: nil, timings: empty.timings, environment: empty.environment,
      kernel: empty.kernel, console: [])
    #expect(empty.verdict == .failed)
  }

  @Test func junitIsWellFormedAndCounts() throws {
    let data = JUnitReport(record(CaseOutcome(.failed, .wrongPath, Self.hostile))).data
    let root = try #require(try XMLDocument(data: data).rootElement())
    let suite = try #require(root.elements(forName: "testsuite").first)
    #expect(suite.attribute(forName: "failures")?.stringValue == "1")
    #expect(suite.elements(forName: "testcase").first?.elements(forName: "failure").count == 1)
  }

  @Test func htmlEscapesWhatComesFromAGuest() throws {
    let text = try HTMLReport(record(CaseOutcome(.failed, .wrongPath, Self.hostile))).text()
    #expect(!text.contains("<script>"))
    #expect(text.contains("&lt;script&gt;"))
  }

  @Test func recordsSurviveTheirFile() throws {
    let directory = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }
    let record = record(CaseOutcome(.knownLimit, .silentCorruption, "x"))
    let path = directory.appending(path: "run.json")
    try record.encoded().write(to: path)
    #expect(try RunLoader.load(directory: directory.path) == record)
    try Data(#"{"schema":"crossbar.run/99"}"#.utf8).write(to: path)
    #expect(throws: ReportError.self) { try RunLoader.load(directory: directory.path) }
    #expect(throws: ReportError.self) { try RunLoader.load(directory: "/nowhere") }
  }
}
