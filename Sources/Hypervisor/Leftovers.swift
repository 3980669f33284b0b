// SPDX-License-Identifier: Apache-2.0

import CLibvirt
import Foundation

/// Finds and ends the processes of a run by the run's directory, which each QEMU names in its
/// command line, and each child of libvirt in its environment (libvirt gives it a home below its
/// root).
enum Leftovers {
  /// Ends every process of the run at `root` with SIGKILL, and looks again until there was none for
  /// `quiet`: a process that is just being started names the directory only after its `exec`.
  ///
  /// - Returns: how many processes were ended.
  @discardableResult
  static func end(root: String, quiet: Duration, limit: Duration = .seconds(10)) -> Int {
    let clock = ContinuousClock()
    let deadline = clock.now + limit
    var silence = clock.now
    var ended = 0
    while clock.now < deadline {
      let found = processes(of: root)
      for process in found where kill(process, of: root) { ended += 1 }
      if !found.isEmpty { silence = clock.now }
      if clock.now - silence >= quiet { break }
      usleep(20_000)
    }
    return ended
  }

  /// The processes that belong to the run at `root`.
  static func processes(of root: String) -> [pid_t] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    return names.compactMap { pid_t($0) }.filter { belongs($0, to: root) }
  }

  /// Sends SIGKILL through a process descriptor: between finding a process and ending it, its
  /// number may come to belong to another one. The descriptor pins the process, so asking again is
  /// safe.
  private static func kill(_ process: pid_t, of root: String) -> Bool {
    let descriptor = pidfd_open(process, 0)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    guard belongs(process, to: root) else { return false }
    guard pidfd_send_signal(descriptor, SIGKILL, nil, 0) == 0 else { return false }
    // Readable when it has ended. A process stuck in the kernel is not waited for for ever.
    var end = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    return poll(&end, 1, 5000) == 1
  }

  private static func belongs(_ process: pid_t, to root: String) -> Bool {
    guard process != getpid() else { return false }
    // Somebody's `less ROOT/...` names the directory as well and is none of ours.
    let program = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(process)/exe")
    guard let program else { return false }
    if program.contains("/qemu"), names(root, "/proc/\(process)/cmdline") { return true }
    return names("HOME=" + root, "/proc/\(process)/environ")
  }

  /// Whether the file's content has `text`, followed by something that ends a path component.
  private static func names(_ text: String, _ file: String) -> Bool {
    guard let content = FileManager.default.contents(atPath: file) else { return false }
    let wanted = Data(text.utf8)
    var from = content.startIndex
    while let range = content.range(of: wanted, in: from..<content.endIndex) {
      guard range.upperBound < content.endIndex else { return true }
      if [0, UInt8(ascii: "/"), UInt8(ascii: ","), UInt8(ascii: "\"")].contains(
        content[range.upperBound])
      {
        return true
      }
      from = range.upperBound
    }
    return false
  }
}
