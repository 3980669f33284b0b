// SPDX-License-Identifier: Apache-2.0

/// Why finished runs can't be reported on.
public struct ReportError: Error, Sendable, Hashable, CustomStringConvertible {
  /// What is wrong with which directory, and what to do.
  public var description: String

  init(_ description: String) {
    self.description = description
  }
}
