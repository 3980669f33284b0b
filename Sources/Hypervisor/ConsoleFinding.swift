// SPDX-License-Identifier: Apache-2.0

/// A line of the guest's console that says that the kernel is in trouble.
public struct ConsoleFinding: Sendable, Hashable, Codable, CustomStringConvertible {
  /// The kinds of trouble that are recognised.
  public enum Kind: String, Sendable, Hashable, Codable, CaseIterable {
    case panic
    /// `BUG:`, `kernel BUG at`, `Oops:`, a general protection fault.
    case bug
    /// `WARNING:` of WARN_ON(), and of whatever else debugging options find.
    case warning
    case ubsan
    /// Any of lockdep's and RCU's proofs: circular locking, inconsistent lock state, suspicious
    /// usage.
    case lockdep
    case kasan
    case hungTask = "hung-task"
    /// RCU stalls and soft or hard lockups: a CPU that makes no progress.
    case stall
    case outOfMemory = "out-of-memory"
    /// The IOMMU refused an access (`DMAR: [DMA Write] ... fault`).
    case iommuFault = "iommu-fault"
  }

  /// What was recognised.
  public var kind: Kind
  /// Line of console.log, counted from 1.
  public var line: Int
  /// The line without its time stamp and control characters, at most 400 characters.
  public var text: String

  /// Makes a finding.
  public init(kind: Kind, line: Int, text: String) {
    self.kind = kind
    self.line = line
    self.text = text
  }

  /// "console.log:812: Kernel panic - not syncing: sysrq triggered crash"
  public var description: String { "console.log:\(line): \(text)" }
}
