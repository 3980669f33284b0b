// SPDX-License-Identifier: Apache-2.0

/// One way in which a guest's PCI tree is not the one that was asked for.
public struct TreeDifference: Sendable, Hashable, Codable, CustomStringConvertible {
  /// The node or device of the topology; nil for one that nobody asked for.
  public let id: String?
  /// Where it is, or should be.
  public let address: PCIAddress?
  /// The difference as a sentence without its full stop.
  public let message: String

  /// Makes a difference.
  public init(id: String?, address: PCIAddress?, message: String) {
    self.id = id
    self.address = address
    self.message = message
  }

  /// The sentence.
  public var description: String { message }
}
