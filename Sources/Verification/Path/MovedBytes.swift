// SPDX-License-Identifier: Apache-2.0

/// Bytes by where they moved from or to.
public struct MovedBytes: Sendable, Hashable, Codable {
  /// In the BAR of each device, by topology id.
  public var bar: [String: UInt64] = [:]
  /// In system memory.
  public var memory: UInt64 = 0
  /// At bus addresses that belong to neither.
  public var other: UInt64 = 0
  /// At addresses that the vIOMMU did not translate.
  public var untranslated: UInt64 = 0

  /// None.
  public init() {}

  /// All of them.
  public var total: UInt64 { bar.values.reduce(memory &+ other &+ untranslated, &+) }

  mutating func add(_ bytes: UInt64, at place: BusPlace) {
    switch place {
    case .peer(let id): bar[id, default: 0] &+= bytes
    case .memory: memory &+= bytes
    case .other: other &+= bytes
    case .untranslated: untranslated &+= bytes
    }
  }
}
