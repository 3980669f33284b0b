// SPDX-License-Identifier: Apache-2.0

extension Guest {
  /// Kills QEMU where it stands, as a power cut ends a machine: what it still had to do is never
  /// done, and a command that it was carrying out may be done in part.
  ///
  /// - Returns: how the guest ended.
  @discardableResult
  public func cutPower() async -> GuestEnd {
    let root = runtimeRoot
    _ = try? await BlockingQueue("crossbar.guest.power").run { () throws(HypervisorError) in
      Leftovers.end(root: root, quiet: .zero)
    }
    return await hub.end(within: .seconds(10)) ?? GuestEnd(cause: .died)
  }
}
