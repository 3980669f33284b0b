// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Foundation

/// Runs work that Ctrl-C, SIGTERM and SIGHUP cancel, so that it cleans up. A second signal ends the
/// process at once; the supervisor then cleans up.
enum Interruption {
  /// The value of `body`.
  ///
  /// - Throws: `ExitStatus.interrupted` if a signal came before `body` was done.
  static func cancelling<Value: Sendable>(
    _ body: @escaping @Sendable () async throws -> Value
  ) async throws -> Value {
    let work = Task(operation: body)
    let sources = [SIGINT, SIGTERM, SIGHUP].map { number in
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number)
      source.setEventHandler {
        if work.isCancelled { _exit(ExitStatus.interrupted.rawValue) }
        Terminal.standardError("\nInterrupted: cleaning up.\n")
        work.cancel()
      }
      source.activate()
      return source
    }
    defer { for source in sources { source.cancel() } }
    do {
      let value = try await work.value
      if work.isCancelled { throw ExitStatus.interrupted }
      return value
    } catch {
      // Whatever failed because of the interruption is not news.
      if work.isCancelled { throw ExitStatus.interrupted }
      throw error
    }
  }
}
