// SPDX-License-Identifier: Apache-2.0

/// How far the making of an artifact is.
public struct ArtifactProgress: Hashable, Sendable {
  /// What is being made, such as `kernel 7.2`.
  public let label: String
  /// From 0 to 1, never falling for one artifact; nil when nobody knows.
  public let fraction: Double?
  /// What is happening right now.
  public let detail: String
  /// A sentence that the user must see even where no bar is drawn, such as that a cached file was
  /// damaged and is built again.
  public let notice: String?

  /// A report from its parts.
  public init(label: String, fraction: Double?, detail: String, notice: String? = nil) {
    self.label = label
    self.fraction = fraction
    self.detail = detail
    self.notice = notice
  }
}

/// Takes progress reports, from any thread.
public typealias ArtifactProgressHandler = @Sendable (ArtifactProgress) -> Void
