// SPDX-License-Identifier: Apache-2.0

import Foundation

extension Run {
  /// Runs a suite of programs of others.
  func executeForeign(
    _ suite: Suite, _ session: GuestSession, _ handle: FileHandle
  ) async throws -> SuiteExecution.Observation {
    let log = ForeignLog(directory: session.directory, handle: handle)
    guard suite == .xfstests else {
      return try await RegressionExecution(
        request: request, cases: catalogue.regressionCases(), session: session, log: log,
        progress: progress
      ).execute()
    }
    return try await XfstestsExecution(
      request: request, session: session, log: log, progress: progress
    ).execute()
  }
}
