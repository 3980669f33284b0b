// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Memory of this process.
enum ProcessMemory {
  /// Bytes of anonymous memory that are there: what was allocated and used, without files and without
  /// memory that is shared with a guest (proc(5), "/proc/pid/statm"). nil if the kernel does not say.
  static var anonymous: UInt64? {
    guard let text = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8) else {
      return nil
    }
    let pages = text.split(separator: " ").compactMap { UInt64($0) }
    guard pages.count > 2, pages[1] >= pages[2] else { return nil }
    return (pages[1] - pages[2]) * UInt64(sysconf(Int32(_SC_PAGESIZE)))
  }
}
