// SPDX-License-Identifier: Apache-2.0

/// The version of this Crossbar, as it stands in CHANGELOG.md.
public enum CrossbarVersion {
  /// As `crossbar --version` prints it.
  public static let current = "0.1.0-dev"
}
