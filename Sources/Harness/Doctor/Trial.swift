// SPDX-License-Identifier: Apache-2.0

import Artifacts
import Synchronization

/// One command tried to its end, within a time limit, with bounded output. It ends with this process,
/// however that ends.
struct Trial: Sendable {
  /// The first lines of what a command writes.
  private final class Output: Sendable {
    /// Bytes that are kept.
    private static let limit = 1 << 20
    private let kept = Mutex("")

    var text: String { kept.withLock { $0 } }

    func keep(_ line: String) {
      kept.withLock { text in
        if text.utf8.count + line.utf8.count < Self.limit { text += line + "\n" }
      }
    }
  }

  /// The exit code, 128 and more for a signal; `nil` when the time limit or a cancellation ended it,
  /// or it could not be started.
  var exitCode: Int?
  /// What it wrote, to either stream.
  var output: String
  var timedOut: Bool

  var succeeded: Bool { exitCode == 0 }

  /// The first line of the output, for a message.
  var firstLine: String {
    output.split(separator: "\n", maxSplits: 1).first.map(String.init) ?? ""
  }

  /// Runs `executable`, searched in `PATH`, and ends it after `limit`.
  static func run(
    _ executable: String, _ arguments: [String], input: String = "",
    limit: Duration = .seconds(10)
  ) async -> Trial {
    guard let tool = HostTool.find(executable) else {
      return Trial(exitCode: nil, output: "\(executable) is not installed", timedOut: false)
    }
    var command = Command(tool, arguments)
    command.input = input
    let output = Output()
    return await withTaskGroup(of: Trial?.self) { [command] group in
      group.addTask {
        do {
          let outcome = try await command.run { line in
            output.keep(line)
          }
          return Trial(
            exitCode: outcome.status, output: output.text, timedOut: false)
        } catch {
          return Trial(exitCode: nil, output: "\(error)", timedOut: false)
        }
      }
      group.addTask {
        try? await Task.sleep(for: limit)
        return nil
      }
      let first = await group.next().flatMap(\.self)
      group.cancelAll()
      if let first { return first }
      return Trial(exitCode: nil, output: output.text, timedOut: true)
    }
  }
}
