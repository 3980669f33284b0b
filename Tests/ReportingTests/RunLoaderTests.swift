// SPDX-License-Identifier: Apache-2.0

import Foundation
import Reporting
import Testing
import Verification

@Suite struct RunLoaderTests {
  private func withDirectory<Value>(_ body: (URL) throws -> Value) throws -> Value {
    let directory = FileManager.default.temporaryDirectory
      .appending(path: "crossbar-report-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }
    return try body(directory)
  }

  private func write(_ data: Data, as name: String, in directory: URL) throws -> String {
    let run = directory.appending(path: name)
    try FileManager.default.createDirectory(at: run, withIntermediateDirectories: true)
    try data.write(to: run.appending(path: "run.json"))
    return run.path
  }

  @Test func loadsWhatARunLeft() throws {
    try withDirectory { directory in
      let path = try write(try mixed.encoded(), as: "a", in: directory)
      #expect(try RunLoader.load(directory: path) == mixed)
    }
  }

  @Test func refusesDirectoriesThatAreNoRun() throws {
    try withDirectory { directory in
      #expect {
        try RunLoader.load(directory: directory.path)
      } throws: {
        "\($0)".contains("has no run.json")
      }
      let other = try write(
        Data(#"{"schema":"crossbar.run/7","verdict":"verified"}"#.utf8), as: "b", in: directory)
      #expect {
        try RunLoader.load(directory: other)
      } throws: {
        "\($0)".contains("b/run.json: it has the schema `crossbar.run/7`")
      }
      let broken = try write(Data(try mixed.encoded().dropLast(50)), as: "c", in: directory)
      #expect {
        try RunLoader.load(directory: broken)
      } throws: {
        "\($0)".contains("it is no run record")
      }
    }
  }

  @Test func sumsUpSeveralRuns() throws {
    try withDirectory { directory in
      let good = run([caseRecord("read-4k")], name: "bridge")
      let paths = [
        try write(try mixed.encoded(), as: "a", in: directory),
        try write(try good.encoded(), as: "b", in: directory),
      ]
      let summary = try SuiteSummary(loading: paths)
      #expect(summary.entries.map(\.directory) == paths)
      #expect(summary.counts.total == 7)
      #expect(summary.counts.verified == 3)
      #expect(summary.exitCode == 1)
      let text = summary.text(columns: 90)
      #expect(text.contains("✗ p2pdma on switch"))
      #expect(text.contains("✓ p2pdma on bridge"))
      #expect(text.contains("FAILED  2 runs, 7 cases: 1 failed, 3 verified"))
      #expect(try SuiteSummary(loading: [paths[1]]).exitCode == 0)
    }
  }

  @Test func namesEveryUnfinishedDirectory() throws {
    try withDirectory { directory in
      let good = try write(try mixed.encoded(), as: "a", in: directory)
      #expect {
        try SuiteSummary(loading: ["/nowhere/1", good, "/nowhere/2"])
      } throws: {
        "\($0)".hasPrefix("No run came to its end in /nowhere/1, /nowhere/2:")
      }
    }
  }

  @Test func writesBothReportsOfARun() throws {
    let files = try RunReports.files(of: mixed)
    #expect(files.map(\.name) == ["junit.xml", "report.html"])
    #expect(files.allSatisfy { !$0.content.isEmpty })
  }
}
