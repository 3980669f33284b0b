// SPDX-License-Identifier: Apache-2.0

/// How a run has the GPU get at the blocks of files (`enum ivgpu_path`).
public enum MappingPath: String, Hashable, Sendable, Codable, CaseIterable {
  /// In the BAR of their block device where it lets the GPU have them, else in the page cache.
  case auto
  /// In the BAR only: what is refused is a failure.
  case direct
  /// In the page cache only.
  case fallback
}
