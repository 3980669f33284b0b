// SPDX-License-Identifier: Apache-2.0

/// Two buffers for data that come from a port without mapping, or go to one, made when first used.
final class BounceBuffers {
  private var buffers: [UnsafeMutableRawBufferPointer?] = [nil, nil]

  deinit {
    for buffer in buffers { buffer?.deallocate() }
  }

  /// `count` bytes, at most as many as one run has.
  func first(_ count: Int) -> UnsafeMutableRawBufferPointer { part(0, count) }

  /// As ``first(_:)``, of the other buffer.
  func second(_ count: Int) -> UnsafeMutableRawBufferPointer { part(1, count) }

  private func part(_ index: Int, _ count: Int) -> UnsafeMutableRawBufferPointer {
    let whole =
      buffers[index]
      ?? UnsafeMutableRawBufferPointer.allocate(byteCount: CommandRunner.runSize, alignment: 64)
    buffers[index] = whole
    return UnsafeMutableRawBufferPointer(rebasing: whole[..<min(count, whole.count)])
  }
}
