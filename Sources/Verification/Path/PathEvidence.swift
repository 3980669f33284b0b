// SPDX-License-Identifier: Apache-2.0

/// Where the data of a phase really went, by QEMU's account.
public struct PathEvidence: Sendable, Hashable, Codable {
  /// The bytes of the phase's disk ranges.
  public var moved = MovedBytes()
  /// NVMe commands that moved them.
  public var commands = 0
  /// Bytes of the phase's disk ranges that no command moved.
  public var unmoved: UInt64 = 0
  /// Bytes of the ranges whose commands the controller refused.
  public var refused: UInt64 = 0
  /// Bytes that any command of the phase moved into or out of a BAR, by topology id.
  public var anyBAR: [String: UInt64] = [:]
  /// DMA faults that the vIOMMU reported in the phase.
  public var faults = 0
  /// Where the first bytes went that did not go where the phase claims, as a phrase.
  public var firstElsewhere: String?

  /// Nothing moved.
  public init() {}

  /// What contradicts the claim of moving through `peer`'s BAR, in words; nil if nothing does.
  func contradictionOfPeer(_ peer: String) -> String? {
    let elsewhere = moved.bar.filter { $0.key != peer && $0.value > 0 }
    if let (id, bytes) = elsewhere.min(by: { $0.key < $1.key }) {
      return sentence("\(bytes) bytes moved through the BAR of \(id)")
    }
    if moved.memory > 0 { return sentence("\(moved.memory) bytes moved through system memory") }
    return anywhere
  }

  /// What contradicts the claim of moving through system memory only; nil if nothing does.
  var contradictionOfMemory: String? {
    let bars = moved.bar.merging(anyBAR) { max($0, $1) }.filter { $0.value > 0 }
    if let (id, bytes) = bars.min(by: { $0.key < $1.key }) {
      return sentence("\(bytes) bytes moved through the BAR of \(id)")
    }
    return anywhere
  }

  private var anywhere: String? {
    if moved.untranslated > 0 {
      return sentence(
        "\(moved.untranslated) bytes have addresses that the vIOMMU did not translate")
    }
    if moved.other > 0 {
      return sentence("\(moved.other) bytes have bus addresses that belong to nothing known")
    }
    if refused > 0 {
      return "\(refused) bytes have NVMe commands only that the controller refused"
    }
    return unmoved > 0 ? "\(unmoved) bytes were moved by no NVMe command" : nil
  }

  private func sentence(_ text: String) -> String {
    firstElsewhere.map { "\(text), the first of them \($0)" } ?? text
  }
}
