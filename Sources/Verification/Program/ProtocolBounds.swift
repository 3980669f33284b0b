// SPDX-License-Identifier: Apache-2.0

/// Bounds on what a guest program may say; whatever exceeds one is a protocol violation.
public enum ProtocolBounds {
  /// Bytes of a line.
  public static let line = 64 << 10
  /// Cases: a phase marker has 16 bits for the number.
  public static let cases = 0xFFFF
  /// Bytes of a name, an id or a path.
  public static let name = 256
  /// Extents or disk ranges of one line.
  public static let extents = 512
  /// Segments of one line.
  public static let segments = 4096
  /// Bytes that one case moves, or that one file has.
  public static let bytes: UInt64 = 4 << 30
  /// Bytes that a mismatch shows.
  public static let mismatchBytes = 32
  /// Files that are left on disks.
  public static let files = 4096
  /// Inspections of a case.
  public static let inspections = 64
  /// Fault injections of a case.
  public static let injections = 64
  /// Protocol violations that are kept.
  public static let violations = 100
  /// Characters of a diagnostic line.
  public static let diagnostic = 1024
  /// Diagnostic lines that are kept: the last ones.
  public static let diagnostics = 200
}
