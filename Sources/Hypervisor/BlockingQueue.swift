// SPDX-License-Identifier: Apache-2.0

import Dispatch

/// Runs calls that block, one after the other, on a thread that isn't one of Swift's cooperative
/// pool.
struct BlockingQueue: Sendable {
  private let queue: DispatchQueue

  init(_ label: String) {
    queue = DispatchQueue(label: label)
  }

  /// Runs `body` after everything that was handed in before, and suspends until it is done.
  func run<Value: Sendable>(
    _ body: @escaping @Sendable () throws(HypervisorError) -> Value
  ) async throws(HypervisorError) -> Value {
    let result: Result<Value, HypervisorError> = await withCheckedContinuation { continuation in
      queue.async {
        continuation.resume(returning: Result(catching: body))
      }
    }
    return try result.get()
  }

  /// Runs `body` after everything that was handed in before, without waiting for it.
  func enqueue(_ body: @escaping @Sendable () -> Void) {
    queue.async(execute: body)
  }
}
