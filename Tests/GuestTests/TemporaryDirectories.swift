// SPDX-License-Identifier: Apache-2.0

import Foundation
import Synchronization
import Testing

/// Keeps what tests make on disk below one directory a test process, and removes what a test made if
/// it passes: a failure's logs are wanted, everybody else's fill `/tmp`.
struct TemporaryDirectories: TestTrait, SuiteTrait, TestScoping {
  /// What one test made.
  private final class Belongings: Sendable {
    let paths = Mutex<[URL]>([])
    let failed = Mutex(false)
  }

  @TaskLocal private static var belongings: Belongings?

  static let base = FileManager.default.temporaryDirectory
    .appending(path: "crossbar-tests-\(getpid())")

  var isRecursive: Bool { true }

  /// A path of its own that does not exist yet, in a directory that does.
  static func path() -> URL {
    try? FileManager.default.createDirectory(at: base, withIntermediateDirectories: true)
    let path = base.appending(path: UUID().uuidString)
    belongings?.paths.withLock { $0.append(path) }
    return path
  }

  func provideScope(
    for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
  ) async throws {
    let belongings = Belongings()
    let watch = IssueHandlingTrait.compactMapIssues { issue in
      belongings.failed.withLock { $0 = true }
      return issue
    }
    try await watch.provideScope(for: test, testCase: testCase) {
      try await Self.$belongings.withValue(belongings) { try await function() }
    }
    guard !belongings.failed.withLock({ $0 }) else { return }
    for path in belongings.paths.withLock({ $0 }) { try? FileManager.default.removeItem(at: path) }
    // Stays while another test has something in it.
    rmdir(Self.base.path)
  }
}
