// SPDX-License-Identifier: Apache-2.0

/// One thing that the doctor tried, and what came of it.
public struct DoctorFinding: Sendable, Codable, Hashable {
  /// How much of Crossbar works with what was found.
  public enum Status: String, Sendable, Codable {
    /// As it should be.
    case works
    /// Crossbar runs without it, slower or with fewer topologies.
    case limited
    /// Crossbar can't run until it is mended.
    case broken
  }

  /// What was tried, in two or three words.
  public var subject: String
  /// How much of Crossbar works with it.
  public var status: Status
  /// What was seen.
  public var detail: String
  /// What to do about it; `nil` when there is nothing to do.
  public var mend: String?

  /// Says what was tried and found.
  public init(_ subject: String, _ status: Status, _ detail: String, mend: String? = nil) {
    self.subject = subject
    self.status = status
    self.detail = detail
    self.mend = mend
  }
}
