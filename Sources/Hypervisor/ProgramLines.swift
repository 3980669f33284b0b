// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// The lines of a program, for one reader.
public struct ProgramLines: AsyncSequence, Sendable {
  /// A line without its end.
  public typealias Element = String
  /// Why a program's output ends early.
  public typealias Failure = HypervisorError

  let lines: AsyncStream<String>
  let failure: FailureBox

  /// Begins to read.
  public func makeAsyncIterator() -> Iterator {
    Iterator(lines: lines.makeAsyncIterator(), failure: failure)
  }

  /// Reads line by line.
  public struct Iterator: AsyncIteratorProtocol {
    var lines: AsyncStream<String>.Iterator
    let failure: FailureBox

    /// The next line without its end, or nil after the last one.
    public mutating func next() async throws(HypervisorError) -> String? {
      try await next(isolation: nil)
    }

    /// The next line without its end, or nil after the last one.
    public mutating func next(
      isolation actor: isolated (any Actor)?
    ) async throws(HypervisorError) -> String? {
      if let line = await lines.next(isolation: actor) { return line }
      if let error = failure.value { throw error }
      guard !Task.isCancelled else {
        throw HypervisorError(
          .cancelled, attempt: "read the program's output", problem: "it was cancelled")
      }
      return nil
    }
  }
}

/// Why the lines end early; set before they end.
final class FailureBox: Sendable {
  private let error = Mutex<HypervisorError?>(nil)

  var value: HypervisorError? { error.withLock { $0 } }

  func set(_ error: HypervisorError) { self.error.withLock { $0 = error } }
}
