// SPDX-License-Identifier: Apache-2.0

import Foundation
import Reporting

/// What the terminal can show, and writing to it.
enum Terminal {
  /// Whether standard error is a terminal that may be redrawn: not under CI, not a dumb one.
  static let showsBars: Bool =
    isatty(STDERR_FILENO) == 1 && environment("CI") == nil && environment("TERM") != "dumb"

  /// Whether standard output takes colours (https://no-color.org).
  static let showsColours: Bool =
    isatty(STDOUT_FILENO) == 1 && environment("NO_COLOR") == nil && environment("TERM") != "dumb"

  /// Columns of the terminal at `descriptor`, 100 where there is none.
  static func columns(of descriptor: Int32) -> Int {
    var size = winsize()
    guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col >= 20 else { return 100 }
    return Int(size.ws_col)
  }

  static func standardError(_ text: String) {
    try? FileHandle.standardError.write(contentsOf: Data(text.utf8))
  }

  static func error(_ message: String) {
    standardError("crossbar: \(shown(message))\n")
  }

  /// Lines that steer nothing: a guest may have had a say in them.
  static func shown(_ text: String) -> String {
    text.split(separator: "\n", omittingEmptySubsequences: false).map { String($0).printable }
      .joined(separator: "\n")
  }

  private static func environment(_ name: String) -> String? {
    ProcessInfo.processInfo.environment[name].flatMap { $0.isEmpty ? nil : $0 }
  }
}
