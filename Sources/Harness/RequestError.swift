// SPDX-License-Identifier: Apache-2.0

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
