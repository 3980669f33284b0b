// SPDX-License-Identifier: Apache-2.0

import Foundation
import Subprocess
import SystemPackage

/// A program of the host to run to its end, with everything that it starts.
///
/// The program runs in a session of its own below a small shell, which waits on a pipe that only this
/// process holds open. So all of it ends when the task is cancelled, and also when this
/// process dies of whatever, even SIGKILL: the pipe closes, and the shell ends its process group.
package struct Command: Sendable {
  /// What came of it.
  package struct Outcome: Sendable {
    /// Exit status; 128 and more for a signal.
    package let status: Int
    /// The last lines of output and errors, at most `Command.keptLines`.
    package let lastLines: [String]

    package var succeeded: Bool { status == 0 }
  }

  /// How many lines of output an outcome keeps.
  static let keptLines = 400

  private static let supervisor = """
    exec 3<&0 </dev/null
    (trap '' TERM; read -r _ <&3; kill -TERM 0; sleep 3; kill -KILL 0) >/dev/null 2>&1 &
    watcher=$!
    exec 3<&-
    trap : TERM
    input=$1 file=$2
    shift 2
    if [ -n "$file" ]; then "$@" <"$file"
    elif [ -n "$input" ]; then printf %s "$input" | "$@"
    else "$@"
    fi
    status=$?
    kill -KILL "$watcher" 2>/dev/null
    exit "$status"
    """

  let tool: FilePath
  let arguments: [String]
  var directory: FilePath?
  /// What the program reads; nothing unless set. Short: it is an argument.
  package var input = ""
  /// A file for it to read instead.
  var inputFile: FilePath?
  /// Added to this process's environment; a variable with nil is taken out of it.
  var environment: [String: String?] = [:]
  /// Receives all output when set.
  var log: FilePath?

  /// A program with its arguments.
  package init(_ tool: FilePath, _ arguments: [String]) {
    self.tool = tool
    self.arguments = arguments
  }

  /// The program's name.
  var name: String { tool.lastComponent?.string ?? tool.string }

  /// The command as one would type it, for messages.
  var line: String { ([name] + arguments).joined(separator: " ") }

  /// Runs the command to its end.
  ///
  /// - Parameter onLine: receives each line of output and errors, mixed as they come.
  /// - Returns: the outcome, also of a program that failed.
  /// - Throws: `ArtifactError` when it could not be started or the task was cancelled.
  package func run(
    onLine: @escaping @Sendable (String) -> Void = { _ in }
  ) async throws(ArtifactError) -> Outcome {
    if Task.isCancelled { throw .cancelled(name) }
    var options = PlatformOptions()
    options.createSession = true
    options.teardownSequence = [
      .send(signal: .terminate, toProcessGroup: true, allowedDurationToNextStep: .seconds(3)),
      .send(signal: .kill, toProcessGroup: true, allowedDurationToNextStep: .seconds(3)),
    ]
    var variables: [Environment.Key: String?] = ["LC_ALL": "C", "PATH": HostTool.searchPath]
    for (name, value) in environment { variables[Environment.Key(stringLiteral: name)] = value }
    let logFile = try log.map(openLog)
    defer { try? logFile?.close() }
    do {
      let result = try await Subprocess.run(
        .path("/bin/sh"),
        arguments: Arguments(
          ["-c", Command.supervisor, "crossbar", input, inputFile?.string ?? "", tool.string]
            + arguments),
        environment: .inherit.updating(variables),
        workingDirectory: directory,
        platformOptions: options,
        input: .inputWriter,
        output: .sequence,
        error: .combinedWithOutput
      ) { execution in
        var lines: [String] = []
        for try await line in execution.standardOutput.strings(
          bufferingPolicy: .maxLineLength(1 << 20))
        {
          if lines.count >= 2 * Command.keptLines { lines.removeFirst(Command.keptLines) }
          lines.append(line)
          if let logFile { _ = try logFile.writeAll((line + "\n").utf8) }
          onLine(line)
        }
        return lines
      }
      if Task.isCancelled { throw ArtifactError.cancelled(name) }
      return Outcome(
        status: Command.code(of: result.terminationStatus),
        lastLines: Array(result.closureResult.suffix(Command.keptLines)))
    } catch {
      if Task.isCancelled { throw .cancelled(name) }
      if let error = error as? ArtifactError { throw error }
      if let error = error as? Errno, let log { throw HostFiles.failure("write", log, error) }
      throw ArtifactError(
        .tool, "`\(line)` could not be run: \(error)", mend: "check that it is installed")
    }
  }

  /// Runs the command and throws when it fails.
  ///
  /// - Parameters:
  ///   - what: what the command is for, as the beginning of a sentence: "unpacking the source".
  ///   - mend: what a user can do when it fails.
  ///   - onLine: receives each line.
  /// - Returns: the last lines.
  @discardableResult
  func check(
    _ what: String, mend: String, onLine: @escaping @Sendable (String) -> Void = { _ in }
  ) async throws(ArtifactError) -> [String] {
    let outcome = try await run(onLine: onLine)
    guard outcome.succeeded else { throw Command.failure(what, self, outcome, mend: mend) }
    return outcome.lastLines
  }

  /// The error for a command that failed: a full disk is recognised whatever the tool.
  static func failure(
    _ what: String, kind: ArtifactError.Kind = .tool, _ command: Command, _ outcome: Outcome,
    mend: String
  ) -> ArtifactError {
    if let line = outcome.lastLines.last(where: { $0.contains("No space left on device") }) {
      return ArtifactError(
        .diskFull, "\(what) failed because the file system is full: \(line)",
        mend: "free some space there, or move the cache with CROSSBAR_CACHE=DIR",
        log: command.log?.string)
    }
    let tail = outcome.lastLines.suffix(12).joined(separator: "\n  ")
    return ArtifactError(
      kind,
      "\(what) failed: `\(command.line)` ended with status \(outcome.status)"
        + (tail.isEmpty ? "" : ":\n  \(tail)"),
      mend: mend, log: command.log?.string)
  }

  private func openLog(_ path: FilePath) throws(ArtifactError) -> FileDescriptor {
    do {
      return try FileDescriptor.open(
        path, .writeOnly, options: [.create, .append, .closeOnExec],
        permissions: [.ownerReadWrite, .groupRead, .otherRead])
    } catch {
      throw HostFiles.failure("write", path, error as? Errno ?? .ioError)
    }
  }

  private static func code(of status: TerminationStatus) -> Int {
    switch status {
    case .exited(let code): Int(code)
    case .signaled(let signal): 128 + Int(signal)
    }
  }
}
