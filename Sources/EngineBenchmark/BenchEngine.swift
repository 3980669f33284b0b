// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc

/// How fast the engine is, against what the same machine does without it in the same run.
///
///     bench-engine [--json] [--rounds N]
let arguments = CommandLine.arguments.dropFirst()
let json = arguments.contains("--json")
var rounds = 15
if let place = arguments.firstIndex(of: "--rounds"), arguments.indices.contains(place + 1),
  let number = Int(arguments[place + 1]), number > 0
{
  rounds = number
}

do {
  var findings = Findings()
  let sizes =
    arguments.contains("--large")
    ? [1 << 20, 16 << 20, 64 << 20]
    : [4 << 10, 64 << 10, 256 << 10, 1 << 20, 4 << 20, 16 << 20, 64 << 20]
  let memory = try MemoryBenchmark()
  findings.comparisons += try memory.run(video: true, sizes: sizes, rounds: rounds)
  findings.comparisons += try memory.run(video: false, sizes: sizes, rounds: rounds)
  if access("/usr/bin/qemu-system-x86_64", X_OK) == 0 {
    findings.comparisons += try BusBenchmark().run(rounds: rounds)
  }
  findings.latencies = try memory.latencies(count: 2000)
  if json {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
    print(String(decoding: try encoder.encode(findings), as: UTF8.self))
  } else {
    print(findings.table)
  }
} catch {
  FileHandle.standardError.write(Data("bench-engine: \(error)\n".utf8))
  exit(3)
}
