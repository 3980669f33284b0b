// SPDX-License-Identifier: Apache-2.0

import Foundation
import Verification

/// Writes down what programs of others say, as KTAP: their own lines are remarks in it.
struct ForeignLog: Sendable {
  let directory: RunDirectory
  let handle: FileHandle

  /// The first lines.
  func begin(cases: Int) throws {
    try write("KTAP version 1\n1..\(cases)\n")
  }

  /// A case, or several at once, and the command.
  func begin(_ name: String, command: [String]) throws {
    try write("# \(name): \(command.joined(separator: " "))\n")
  }

  /// A line of the program's.
  func add(_ line: String) throws {
    try write("#   \(line)\n")
  }

  /// What a case showed.
  func end(_ record: CaseRecord) throws {
    let outcome = record.outcome
    let text = outcome.explanation.split(separator: "\n").joined(separator: " ")
    switch outcome.kind {
    case .skipped: try write("ok \(record.number) \(record.name) # SKIP \(text)\n")
    case .failed: try write("not ok \(record.number) \(record.name) # \(text)\n")
    default: try write("ok \(record.number) \(record.name)\n")
    }
  }

  private func write(_ text: String) throws {
    try directory.guarding("write ktap.log in") {
      try handle.write(contentsOf: Data(text.utf8))
    }
  }
}
