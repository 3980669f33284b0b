// SPDX-License-Identifier: Apache-2.0

import Synchronization

@testable import Artifacts

/// Keeps all progress reports.
final class ProgressRecorder: Sendable {
  private let storage = Mutex<[ArtifactProgress]>([])

  var reports: [ArtifactProgress] { storage.withLock { $0 } }
  var notices: [String] { reports.compactMap(\.notice) }
  var fractions: [Double] { reports.compactMap(\.fraction) }

  var handler: ArtifactProgressHandler {
    { report in self.storage.withLock { $0.append(report) } }
  }

  func span(_ label: String = "thing") -> ProgressSpan {
    ProgressSpan(label: label, handler: handler)
  }
}

/// Counts, from any thread.
final class Counter: Sendable {
  private let storage = Mutex(0)

  var value: Int { storage.withLock { $0 } }

  func increment() {
    storage.withLock { $0 += 1 }
  }
}
