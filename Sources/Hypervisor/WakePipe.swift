// SPDX-License-Identifier: Apache-2.0

import CLibvirt
import Glibc

/// Gets a thread out of `poll`. Once woken it stays awake.
final class WakePipe: Sendable {
  private let reading: FileDescriptorOwner
  private let writing: FileDescriptorOwner

  /// Readable after `wake()`.
  var descriptor: Int32 { reading.descriptor }

  init(attempt: String) throws(HypervisorError) {
    var ends: [Int32] = [-1, -1]
    guard pipe2(&ends, O_CLOEXEC | O_NONBLOCK) == 0 else {
      throw HypervisorError(
        .environment, attempt: attempt, problem: systemMessage(errno),
        mend: "Raise the limit of open files (`ulimit -n`)")
    }
    reading = FileDescriptorOwner(ends[0])
    writing = FileDescriptorOwner(ends[1])
  }

  func wake() {
    var byte: UInt8 = 0
    _ = write(writing.descriptor, &byte, 1)
  }
}
