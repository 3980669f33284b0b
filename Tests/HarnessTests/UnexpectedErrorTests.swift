// SPDX-License-Identifier: Apache-2.0

import Foundation
import SystemPackage
import Testing

@testable import Harness

@Suite struct UnexpectedErrorTests {
  @Test func aMissingFileIsNamedInASentence() throws {
    let error = try #require(throws: (any Error).self) {
      try Data(contentsOf: URL(filePath: "/nonexistent/file"))
    }
    let text = EnvironmentError(unexpected: error).description
    #expect(text.contains("/nonexistent/file"))
    #expect(!text.contains("NSCocoaErrorDomain"))
    #expect(!text.contains("CocoaError"))
    #expect(text.contains("--verbose"))
  }

  @Test func theSystemsErrorsAreInItsWords() {
    let full = EnvironmentError(unexpected: POSIXError(.ENOSPC)).description
    #expect(full.contains("No space left on device"))
    #expect(!full.contains("POSIXError"))
    #expect(
      EnvironmentError(unexpected: Errno.permissionDenied).description
        .contains("Permission denied"))
  }
}
