// SPDX-License-Identifier: Apache-2.0

import Subprocess

/// One command tried to its end, within a time limit, with bounded output.
struct Trial: Sendable {
  /// The exit code; `nil` when a signal or the time limit ended it, or it could not be started.
  var exitCode: Int32?
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
    await withTaskGroup(of: Trial?.self) { group in
      group.addTask {
        // Cancellation kills the process.
        var options = PlatformOptions()
        options.teardownSequence = [.gracefulShutDown(allowedDurationToNextStep: .seconds(1))]
        do {
          let result = try await Subprocess.run(
            .name(executable), arguments: Arguments(arguments), platformOptions: options,
            input: .string(input), output: .string(limit: 1 << 20),
            error: .string(limit: 1 << 20))
          let text = result.standardOutput + result.standardError
          guard case .exited(let code) = result.terminationStatus else {
            return Trial(exitCode: nil, output: text, timedOut: false)
          }
          return Trial(exitCode: code, output: text, timedOut: false)
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
      return Trial(exitCode: nil, output: "", timedOut: true)
    }
  }
}
