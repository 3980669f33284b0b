// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Watches how long the logs get that QEMU writes on a guest's behalf, and how much room there is
/// for them. A guest decides what is in them, so without a bound it could fill the disk; and on a full
/// disk QEMU drops lines without a word, and stops a guest that writes to its own disks.
///
/// Looks at them several times a second rather than at each write: QEMU writes a line at a time, and
/// between two looks even a hostile guest gets no further than some hundred MiB.
final class LogBound: Sendable {
  /// What went beyond its bound.
  enum Excess: Sendable {
    /// A log is longer than its limit.
    case length
    /// Less than `room` is free where the logs are.
    case room
  }

  /// Bytes that have to stay free for what a run writes when its guest is gone.
  static let room: Int64 = 32 << 20

  private static let pause = Duration.milliseconds(200)

  private let watch: Task<Void, Never>

  /// Watches the files at `paths`, which needn't exist yet, until `finish()`.
  ///
  /// - Parameter onExcess: called once, when one of them is longer than `limit` or has no more room.
  init(_ paths: [String], limit: Int64, onExcess: @escaping @Sendable (Excess) -> Void) {
    let directories = Set(paths.map { ($0 as NSString).deletingLastPathComponent })
    watch = Task {
      while !paths.isEmpty, !Task.isCancelled {
        if paths.contains(where: { Self.size(of: $0) > limit }) { return onExcess(.length) }
        if directories.contains(where: { Self.free(at: $0) < Self.room }) { return onExcess(.room) }
        try? await Task.sleep(for: Self.pause)
      }
    }
  }

  deinit { finish() }

  /// Stops to watch.
  func finish() { watch.cancel() }

  private static func size(of path: String) -> Int64 {
    var status = stat()
    return stat(path, &status) == 0 ? Int64(status.st_size) : 0
  }

  /// Where nobody can tell, there is room.
  private static func free(at directory: String) -> Int64 {
    var status = statvfs()
    guard statvfs(directory, &status) == 0 else { return .max }
    let (bytes, overflow) = UInt64(status.f_bavail).multipliedReportingOverflow(
      by: UInt64(status.f_frsize))
    return overflow ? .max : Int64(clamping: bytes)
  }
}
