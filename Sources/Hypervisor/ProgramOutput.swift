// SPDX-License-Identifier: Apache-2.0

/// Takes a run's lines out of what comes through the program channel: from the shell's first line
/// to its last one. A pure value.
struct ProgramOutput {
  /// What the program may not do.
  enum Excess: Error {
    case line
    case total
    case lines
  }

  /// What some bytes brought.
  struct Step: Equatable {
    var lines: [String] = []
    /// The program's exit status, with its last line.
    var status: Int32?
  }

  private let begin: String
  private let end: String
  private let limit: Int
  private let lineCountLimit: Int
  private var splitter = LineSplitter(limit: ProgramRun.lineLimit, excess: .refuse)
  private var total = 0
  private var count = 0
  /// The shell writes its last line after an empty one, for programs that don't end theirs. It
  /// isn't the program's, so an empty line waits for the next one.
  private var heldEmptyLine = false
  /// Whether the program was started.
  private(set) var begun = false

  /// Makes a parser for the run with `token`, whose lines together may have `limit` bytes, and be no
  /// more than `lines`.
  init(token: String, limit: Int, lines: Int = .max) {
    begin = "crossbar-begin \(token)"
    end = "crossbar-end \(token) "
    self.limit = limit
    lineCountLimit = lines
  }

  /// Takes the next bytes. After a status there is nothing more.
  mutating func take(_ bytes: some Collection<UInt8>) throws(Excess) -> Step {
    total += bytes.count
    guard total <= limit else { throw .total }
    let lines: [String]
    do {
      lines = try splitter.take(bytes)
    } catch {
      throw .line
    }
    var step = Step()
    for line in lines {
      if !begun {
        // Anything before belongs to an earlier program.
        begun = line.hasSuffix(begin)
        if begun { total = 0 }
      } else if line.hasPrefix(end), let status = Int32(line.dropFirst(end.count)) {
        step.status = status
        return step
      } else {
        count += 1
        guard count <= lineCountLimit else { throw .lines }
        if heldEmptyLine { step.lines.append("") }
        heldEmptyLine = line.isEmpty
        if !heldEmptyLine { step.lines.append(line) }
      }
    }
    return step
  }
}
