// SPDX-License-Identifier: Apache-2.0

import Foundation

/// A pattern with `*`, `?` and `[...]`, as a shell has it; `/` is a letter like any other.
public struct Glob: Sendable, Hashable {
  /// The pattern.
  public var pattern: String

  /// Makes a pattern; any text is one.
  public init(_ pattern: String) {
    self.pattern = pattern
  }

  /// Whether the whole text is what the pattern says.
  public func matches(_ text: String) -> Bool { fnmatch(pattern, text, 0) == 0 }

  /// Whether a text that begins like this could match: false only if none can.
  public func couldMatch(prefix: String) -> Bool {
    let fixed = pattern.prefix { !"*?[\\".contains($0) }
    return fixed.count == pattern.count
      ? pattern.hasPrefix(prefix) : fixed.hasPrefix(prefix) || prefix.hasPrefix(fixed)
  }
}
