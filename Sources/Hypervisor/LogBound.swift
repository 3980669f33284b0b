// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Watches how long the logs get that QEMU writes on a guest's behalf. A guest decides what is in
/// them, so without a bound it could fill the disk.
///
/// Looks at them several times a second rather than at each write: QEMU writes a line at a time, and
/// between two looks even a hostile guest gets no further than some hundred MiB.
final class LogBound: Sendable {
  private static let pause = Duration.milliseconds(200)

  private let watch: Task<Void, Never>

  /// Watches the files at `paths`, which needn't exist yet, until `finish()`.
  ///
  /// - Parameter onExcess: called once, when one of them is longer than `limit`.
  init(_ paths: [String], limit: Int64, onExcess: @escaping @Sendable () -> Void) {
    watch = Task {
      while !paths.isEmpty, !Task.isCancelled {
        if paths.contains(where: { Self.size(of: $0) > limit }) { return onExcess() }
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
}
