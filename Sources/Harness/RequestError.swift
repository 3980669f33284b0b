// SPDX-License-Identifier: Apache-2.0

import Foundation

/// The user asked for something that can't be: what, and how to ask for it right.
public struct RequestError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The sentence, with the mend.
  public var description: String

  /// - Parameter description: a sentence with the mend.
  public init(_ description: String) {
    self.description = description
  }
}

/// Something around Crossbar failed: the host, QEMU, the disk.
public struct EnvironmentError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The sentence, with the mend.
  public var description: String

  /// - Parameter description: a sentence with the mend.
  public init(_ description: String) {
    self.description = description
  }
}

extension EnvironmentError {
  /// An error that no module turned into a sentence of its own: most often the system's refusal of a
  /// file. Says what the system said, and about which file.
  public init(unexpected error: any Error) {
    self.init(
      """
      Something failed that Crossbar has no advice for: \(Self.reason(error)). See to that, and run \
      it again; --verbose shows the step that fails.
      """)
  }

  private static func reason(_ error: any Error) -> String {
    switch error {
    case let error as CocoaError:
      let path = error.filePath ?? error.url?.path
      let system = (error.underlying as? POSIXError).map { ": \(reason($0))" } ?? ""
      let text = error.localizedDescription
      let named = path.flatMap { text.contains($0) ? nil : "\($0): " } ?? ""
      return named + (text.hasSuffix(".") ? String(text.dropLast()) : text) + system
    case let error as POSIXError: return String(cString: strerror(error.code.rawValue))
    // Whatever says itself what it is: `Errno`, a tool that could not be started.
    default: return "\(error)"
    }
  }
}
