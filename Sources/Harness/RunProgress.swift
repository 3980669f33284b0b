// SPDX-License-Identifier: Apache-2.0

/// How far a long command is.
public struct RunProgress: Sendable, Hashable {
  /// The step that is under way, such as `Boot the guest`.
  public var label: String
  /// From 0 to 1; `nil` when nobody knows.
  public var fraction: Double?
  /// What is happening within the step.
  public var detail: String
  /// A sentence that must be seen even where no bar is drawn.
  public var notice: String?

  /// Says how far a step is.
  public init(
    label: String, fraction: Double? = nil, detail: String = "", notice: String? = nil
  ) {
    self.label = label
    self.fraction = fraction
    self.detail = detail
    self.notice = notice
  }
}

/// Takes progress reports, from any thread.
public typealias ProgressHandler = @Sendable (RunProgress) -> Void
