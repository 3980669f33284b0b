// SPDX-License-Identifier: Apache-2.0

import CLibvirt
import Foundation

/// Adopts the QEMUs that libvirt starts, and buries them when they end.
///
/// libvirt makes each QEMU a daemon, so process 1 has to reap it, and until then libvirt takes it
/// for alive. Process 1 of a container often reaps late or never: ending a guest then takes
/// seconds, or fails after fifteen. So this process takes its descendants' orphans itself
/// (`PR_SET_CHILD_SUBREAPER`).
enum OrphanReaper {
  /// Begins to adopt and reap, for the rest of the process's life. Once.
  static func start() {
    guard crossbar_adopt_orphans() == 0 else { return }
    let thread = Thread { reap() }
    thread.name = "reaper"
    thread.start()
  }

  private static func reap() {
    var pause: UInt32 = 0
    while true {
      var information = siginfo_t()
      // Leaves the child as it is: most are somebody else's, who waits for their status.
      let result = waitid(P_ALL, 0, &information, WEXITED | WNOWAIT)
      if result == 0 {
        let reaped = deadChildren().filter(isOrphan).filter { waitpid($0, nil, WNOHANG) == $0 }
        // Somebody else's child stays until they come for it. Look again, ever more rarely.
        pause = reaped.isEmpty ? min(max(pause * 2, 5_000), 200_000) : 0
      } else {
        pause = 100_000
      }
      if pause > 0 { usleep(pause) }
    }
  }

  private struct Child {
    var process: pid_t
    var session: pid_t
  }

  /// An orphan has neither this process's session, like a child that somebody here started, nor one
  /// of its own, like a child that was started to lead one: its session's leader is the parent that
  /// left it.
  private static func isOrphan(_ process: pid_t) -> Bool {
    guard let child = child(process) else { return false }
    return child.session != getsid(0) && child.session != child.process
  }

  private static func deadChildren() -> [pid_t] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    return names.compactMap { pid_t($0) }.filter { child($0) != nil }
  }

  /// Reads `/proc/PID/stat`: PID (NAME) STATE PARENT GROUP SESSION ... The name may hold anything.
  private static func child(_ process: pid_t) -> Child? {
    guard let data = FileManager.default.contents(atPath: "/proc/\(process)/stat"),
      let end = data.lastIndex(of: UInt8(ascii: ")"))
    else { return nil }
    let fields = String(decoding: data[data.index(after: end)...], as: UTF8.self)
      .split(separator: " ")
    guard fields.count > 3, fields[0] == "Z", pid_t(fields[1]) == getpid(),
      let session = pid_t(fields[3])
    else { return nil }
    return Child(process: process, session: session)
  }
}
