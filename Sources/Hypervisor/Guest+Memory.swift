// SPDX-License-Identifier: Apache-2.0

import Foundation

extension Guest {
  /// Path of the UNIX socket of QEMU's qtest port (QEMU, docs/devel/qtest.rst): it reads and writes
  /// any bus address of the guest while that runs.
  public var qtestSocket: String { sockets.qtest }

  /// A path by which this user's processes open the guest's system memory, as one file: what lies
  /// below 4 GiB on the bus comes first. Good while the guest lives.
  public func systemMemoryPath() throws(HypervisorError) -> String {
    for process in Leftovers.processes(of: runtimeRoot) {
      let descriptors = "/proc/\(process)/fd"
      for name in (try? FileManager.default.contentsOfDirectory(atPath: descriptors)) ?? [] {
        let path = "\(descriptors)/\(name)"
        let target = try? FileManager.default.destinationOfSymbolicLink(atPath: path)
        if let target, target.hasPrefix("/memfd:memory-backend-memfd") { return path }
      }
    }
    throw HypervisorError(
      .environment, attempt: "map the memory of \(description.name)",
      problem: "no QEMU of \(runtimeRoot) has a descriptor of it",
      mend: "Use qemu:///embed: another user's QEMU can't be looked into")
  }
}
