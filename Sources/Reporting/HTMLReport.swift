// SPDX-License-Identifier: Apache-2.0

import Foundation
import Mustache
import Verification

/// A run as one HTML page that needs nothing else: no script, no font, no picture from elsewhere.
public struct HTMLReport: Sendable {
  private let record: RunRecord

  /// Prepares a report.
  public init(_ record: RunRecord) {
    self.record = record
  }

  /// The page.
  public func text() throws -> String {
    HTMLEscaping.registered
    return try MustacheTemplate(string: HTMLTemplate.text).render(HTMLPage(record))
  }
}
