// SPDX-License-Identifier: Apache-2.0

/// Why an artifact could not be had, and what mends it.
public struct ArtifactError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What went wrong, for a caller that decides by it.
  public enum Kind: String, Hashable, Sendable {
    /// A program or header of the host is missing.
    case missingTool
    /// A file system is full, or has too little room for what is about to be built.
    case diskFull
    /// Nothing could be downloaded.
    case network
    /// No place that was asked has the source.
    case sourceNotFound
    /// A patch does not apply.
    case patch
    /// The kernel's configuration lost an option that was asked for.
    case configuration
    /// A compiler or `make` failed.
    case compilation
    /// Something that the user handed over is not what it should be.
    case input
    /// A tool of the host failed.
    case tool
    /// The operating system refused something.
    case system
    /// The task was cancelled.
    case cancelled
  }

  /// What went wrong.
  public let kind: Kind
  /// What was tried and what is wrong, without a full stop.
  public let message: String
  /// What to do about it, without a full stop.
  public let mend: String
  /// The full log of the tool that failed, if one was kept.
  public let log: String?

  /// An error from its parts.
  ///
  /// - Parameters:
  ///   - kind: what went wrong.
  ///   - message: what was tried and what is wrong, without a full stop.
  ///   - mend: what to do, without a full stop.
  ///   - log: path of the full log.
  public init(_ kind: Kind, _ message: String, mend: String, log: String? = nil) {
    self.kind = kind
    self.message = message
    self.mend = mend
    self.log = log
  }

  /// The message, the mend, and where the log is. A message that quotes lines of a tool puts the mend
  /// on a line of its own.
  public var description: String {
    var text = message
    if !mend.isEmpty { text += (message.contains("\n") ? "\n" : "; ") + mend }
    if let log { text += " (log: \(log))" }
    return text
  }

  static func cancelled(_ what: String) -> ArtifactError {
    ArtifactError(
      .cancelled, "\(what) was interrupted", mend: "nothing half is left; run it again to go on")
  }
}
