// SPDX-License-Identifier: Apache-2.0

import CDeviceABI

/// A golden file that the host puts into each file system image.
public struct GoldenImageFile: Hashable, Sendable {
  /// Path in the file system, from its root.
  public let path: String
  /// Size in bytes; the last block and the last cell can be partial.
  public let size: UInt64
  /// What the file holds.
  public let content: GoldenFile

  /// The large one: 32 MiB and a partial last block.
  public static let golden = GoldenImageFile(
    path: CROSSBAR_GOLDEN_PATH,
    size: (32 << 20) + 3 * 4096 + 1000,
    content: GoldenFile(file: UInt16(CROSSBAR_GOLDEN_FILE), generation: 1))

  /// The small one: 1 MiB.
  public static let small = GoldenImageFile(
    path: CROSSBAR_SMALL_PATH,
    size: 1 << 20,
    content: GoldenFile(file: UInt16(CROSSBAR_SMALL_FILE), generation: 1))

  /// All of them, in the order of their numbers.
  public static let all = [golden, small]
}
