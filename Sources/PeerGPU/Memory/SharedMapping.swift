// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A shared mapping of a file, between two pages that nobody may touch: an access that leaves the
/// mapping ends in a fault at once and never in somebody else's memory.
///
/// `@unchecked Sendable`: the mapping lives as long as the object, and its bounds never change.
package final class SharedMapping: @unchecked Sendable {
  /// The mapped bytes. Valid while this object lives.
  package let window: SharedWindow
  private let reservation: UnsafeMutableRawPointer
  private let reserved: Int

  /// Maps `count` bytes, a multiple of the page size, of `descriptor` from `offset` on.
  ///
  /// - Returns: nil if a system call failed; `errno` says why.
  package init?(descriptor: CInt, offset: Int, count: Int) {
    let page = Int(sysconf(CInt(_SC_PAGESIZE)))
    let (reserved, overflow) = count.addingReportingOverflow(2 * page)
    guard !overflow, count > 0, offset >= 0,
      let reservation = mmap(
        nil, reserved, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0),
      reservation != MAP_FAILED
    else { return nil }
    guard
      let base = mmap(
        reservation + page, count, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, descriptor,
        offset),
      base != MAP_FAILED
    else {
      let code = errno
      munmap(reservation, reserved)
      errno = code
      return nil
    }
    self.reservation = reservation
    self.reserved = reserved
    window = SharedWindow(base: base, size: count)
  }

  deinit { munmap(reservation, reserved) }
}
