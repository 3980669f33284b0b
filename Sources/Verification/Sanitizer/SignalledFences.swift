// SPDX-License-Identifier: Apache-2.0

/// The fences that the engine has signalled in one life of an address space. They begin with 1 and
/// grow by one (`crossbar_gpu.h`, `struct crossbar_gpu_command`).
struct SignalledFences {
  /// What a signal is in the order of all.
  enum Order: Hashable {
    case next
    /// A later one was signalled before.
    case late
    case repeated
  }

  /// Gaps that are kept.
  private static let gapLimit = 512

  /// The highest fence that was signalled.
  private(set) var highest: UInt64 = 0
  /// Those below that were not, in rising order.
  private(set) var skipped: [Range<UInt64>] = []
  /// Every signal: the fence and the index of its log entry.
  private(set) var signals: [(fence: UInt64, entry: Int)] = []

  /// Takes a signal.
  mutating func signal(_ fence: UInt64, entry: Int) -> Order {
    signals.append((fence, entry))
    if fence > highest {
      if fence - highest > 1, skipped.count < Self.gapLimit {
        skipped.append((highest + 1)..<fence)
      }
      highest = fence
      return .next
    }
    guard let gap = skipped.firstIndex(where: { $0.contains(fence) }) else { return .repeated }
    let range = skipped[gap]
    let parts = [range.lowerBound..<fence, (fence + 1)..<range.upperBound].filter { !$0.isEmpty }
    skipped.replaceSubrange(gap...gap, with: parts)
    return .late
  }

  /// The fence was signalled.
  func contains(_ fence: UInt64) -> Bool {
    fence > 0 && fence <= highest && !skipped.contains { $0.contains(fence) }
  }
}

/// Uses of mappings that one invalidation had ended, as long as it is open whether the engine forgot
/// them later or never.
struct StaleUse {
  /// Uses whose log entries are kept.
  static let kept = 20
  /// Invalidations of one address space that are kept open.
  static let open = 16

  /// Index of the log entry of the invalidation.
  var invalidation: Int
  /// Indices of the log entries of the first uses.
  var uses: [Int] = []
  /// How many uses there were.
  var count = 0
}
