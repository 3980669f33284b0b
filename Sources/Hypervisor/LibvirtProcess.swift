// SPDX-License-Identifier: Apache-2.0

import CLibvirt
import Foundation
import Synchronization

/// What libvirt needs once a process: initialisation, a silent error handler and an event loop.
enum LibvirtProcess {
  private static let started = Mutex(false)

  /// Prepares libvirt on the first call and does nothing on later ones.
  ///
  /// The event loop gets a thread of its own that lives as long as the process: libvirt's default
  /// loop can't be taken down again.
  ///
  /// - Parameters:
  ///   - log: where libvirt's warnings go.
  ///   - embedded: whether QEMU will be a descendant of this process.
  static func start(log: String?, embedded: Bool) throws(HypervisorError) {
    let failure: LibvirtFailure? = started.withLock { started in
      if started { return nil }
      // libvirt reads its log settings from the environment, and writes warnings to standard error
      // unless told otherwise. A user who set these wants what they say.
      let variable = "LIBVIRT_LOG_OUTPUTS"
      let ours = log != nil && getenv(variable) == nil
      if let log, ours { setenv(variable, "3:file:\(log)", 1) }
      if virInitialize() != 0 { return .last() }
      if ours { unsetenv(variable) }
      virSetErrorFunc(nil) { _, _ in }
      if virEventRegisterDefaultImpl() != 0 { return .last() }
      if embedded { OrphanReaper.start() }
      let thread = Thread {
        while true {
          if virEventRunDefaultImpl() != 0 {
            // Nothing to report to; don't spin should it fail again and again.
            Thread.sleep(forTimeInterval: 0.05)
          }
        }
      }
      thread.name = "libvirt-events"
      thread.start()
      started = true
      return nil
    }
    if let failure {
      throw HypervisorError(
        .environment, attempt: "prepare libvirt", problem: failure.message,
        mend: "Install libvirt-daemon-driver-qemu and try again")
    }
  }
}
