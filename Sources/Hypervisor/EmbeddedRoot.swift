// SPDX-License-Identifier: Apache-2.0

import Foundation

/// The directory tree that libvirt's embedded QEMU driver takes for its whole world.
enum EmbeddedRoot {
  /// What the driver is told: it runs QEMU as the user that runs Crossbar, and sets nothing up that
  /// would need a service or a privilege (SELinux or AppArmor labels, mount name spaces, control
  /// groups, ownership records, the log daemon).
  static func configuration(user: String, group: String) -> String {
    """
    user = "\(user)"
    group = "\(group)"
    security_driver = "none"
    namespaces = []
    cgroup_controllers = []
    remember_owner = 0
    stdio_handler = "file"

    """
  }

  /// Writes the configuration and links the shared cache into a new root.
  static func prepare(_ root: String, cache: String) throws(HypervisorError) {
    let files = FileManager.default
    do {
      try files.createDirectory(atPath: cache, withIntermediateDirectories: true)
    } catch {
      throw HypervisorError(
        .environment, attempt: "make the directory \(cache) of libvirt's cache",
        problem: sentence(error),
        mend: "Check that path, or move the caches with CROSSBAR_CACHE=DIR")
    }
    do {
      try files.createDirectory(atPath: root + "/etc", withIntermediateDirectories: true)
      try files.createDirectory(atPath: root + "/log/qemu", withIntermediateDirectories: true)
      try files.createSymbolicLink(atPath: root + "/cache", withDestinationPath: cache)
      try Data(configuration(user: "+\(getuid())", group: "+\(getgid())").utf8)
        .write(to: URL(fileURLWithPath: root + "/etc/qemu.conf"))
    } catch {
      throw HypervisorError(
        .environment, attempt: "prepare libvirt's root \(root)",
        problem: sentence(error), mend: "Check that there is space left there")
    }
  }

  /// Without the full stop, which ends the whole message.
  private static func sentence(_ error: any Error) -> String {
    let text = error.localizedDescription
    return text.hasSuffix(".") ? String(text.dropLast()) : text
  }
}
