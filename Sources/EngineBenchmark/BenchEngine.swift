// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import Glibc

/// How fast the engine is, against what the same machine does without it in the same run.
@main struct BenchEngine: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench-engine",
    abstract: "Measures the GPU's engine against memcpy, a bare CRC loop and a bare qtest client.",
    discussion: """
      Exit codes: 0 measured, 1 with --check if a goal was missed or not measured, 2 wrong options, 3 something else.

      Examples:
        bench-engine --large --rounds 31
        bench-engine --check
      """)

  @Option(help: ArgumentHelp("Measurements of each kind.", valueName: "n"))
  var rounds = 15

  @Flag(help: "Only sizes of 1 MiB and more.")
  var large = false

  @Flag(help: "JSON instead of a table.")
  var json = false

  @Flag(help: "Fail if a median ratio is below its goal, or was not measured.")
  var check = false

  func validate() throws {
    guard (1...10_000).contains(rounds) else {
      throw ValidationError("--rounds \(rounds): from 1 to 10000 it can be.")
    }
  }

  func run() throws {
    let findings = try measure()
    if json {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
      print(String(decoding: try encoder.encode(findings), as: UTF8.self))
    } else {
      print(findings.table)
    }
    let missed = findings.comparisons.filter(\.missesGoal)
    for one in missed {
      warn("\(one.label): a median of \(one.ratio.median), and \(one.goal ?? 0) is the goal")
    }
    if check, !missed.isEmpty || !findings.isWhole { throw ExitCode(1) }
  }

  private func measure() throws -> Findings {
    var findings = Findings()
    let sizes = [4 << 10, 64 << 10, 256 << 10, 1 << 20, 4 << 20, 16 << 20, 64 << 20].filter {
      !large || [1 << 20, 16 << 20, 64 << 20].contains($0)
    }
    let memory = try MemoryBenchmark()
    findings.comparisons += try memory.run(video: true, sizes: sizes, rounds: rounds)
    findings.comparisons += try memory.run(video: false, sizes: sizes, rounds: rounds)
    if access(BusBenchmark.emulator, X_OK) == 0 {
      findings.comparisons += try BusBenchmark().run(rounds: rounds)
    } else {
      findings.isWhole = false
      warn("\(BusBenchmark.emulator) is missing: the bus-master port was not measured")
    }
    findings.latencies = try memory.latencies(count: 2000)
    return findings
  }

  private func warn(_ text: String) {
    FileHandle.standardError.write(Data("bench-engine: \(text)\n".utf8))
  }

  /// What goes wrong is not the caller's options.
  static func main() {
    do {
      let command = try parse()
      do {
        try command.run()
      } catch let code as ExitCode {
        Glibc.exit(code.rawValue)
      } catch {
        FileHandle.standardError.write(Data("bench-engine: \(error)\n".utf8))
        Glibc.exit(3)
      }
    } catch {
      let code = exitCode(for: error)
      let text = fullMessage(for: error) + "\n"
      (code.isSuccess ? FileHandle.standardOutput : .standardError).write(Data(text.utf8))
      Glibc.exit(code.isSuccess ? 0 : 2)
    }
  }
}
