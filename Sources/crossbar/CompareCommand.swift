// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import Reporting

/// `crossbar compare`.
struct CompareCommand: ParsableCommand, JSONCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare",
    abstract: "Lists the cases that did not end alike in two runs, as on two kernels.",
    discussion: """
      Exits 1 if there is one, and 2 for runs that have no case in common.

      EXAMPLES
        crossbar run switch --suite regression --kernel 7.2-mainline --output before
        crossbar run switch --suite regression --kernel 7.2-debug --output after
        crossbar compare before after
      """)

  @Argument(help: "A run directory.", completion: .directory)
  var first: String

  @Argument(help: "Another one.", completion: .directory)
  var second: String

  @Flag(help: "One JSON document on standard output: the differences.")
  var json = false

  func run() throws {
    let comparison = try RunComparison(
      try RunLoader.load(directory: first), try RunLoader.load(directory: second),
      names: (first, second))
    if json {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
      print(String(decoding: try encoder.encode(comparison.differences), as: UTF8.self))
    } else {
      let text = comparison.text(
        columns: Terminal.columns(of: STDOUT_FILENO), coloured: Terminal.showsColours)
      print(text, terminator: "")
    }
    if !comparison.differences.isEmpty { throw ExitStatus.failed }
  }
}
