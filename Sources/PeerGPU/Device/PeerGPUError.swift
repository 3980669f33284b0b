// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Why the peer GPU could not be set up.
public struct PeerGPUError: Error, Equatable, CustomStringConvertible {
  /// What was tried.
  public let attempt: String
  /// What is wrong, and what to do about it where that is known.
  public let problem: String

  /// An error of the system, by its number `errno`.
  init(_ attempt: String, code: CInt) {
    self.init(attempt, problem: String(cString: strerror(code)))
  }

  init(_ attempt: String, problem: String) {
    self.attempt = attempt
    self.problem = problem
  }

  /// A sentence.
  public var description: String { "Can't \(attempt): \(problem)." }
}
