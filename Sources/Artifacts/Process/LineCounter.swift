// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Counts lines of a tool's output, from any thread.
final class LineCounter: Sendable {
  private let count = Mutex(0)

  /// The number of this line, from 1 on.
  func next() -> Int {
    count.withLock { count in
      count += 1
      return count
    }
  }

  /// How many there were so far.
  var value: Int { count.withLock { $0 } }
}
