// SPDX-License-Identifier: Apache-2.0

/// The bus as a guest has it: where each peer's memory is, and where system memory is.
public struct BusMap: Sendable, Hashable {
  /// The BAR that holds the peer memory of a device, by topology id; bus addresses.
  public var peers: [String: Range<UInt64>]
  /// System memory; bus addresses.
  public var memory: [Range<UInt64>]
  /// Bytes of a logical block, by namespace id (NVMe Base 2.0c, 3.2.1).
  public var blockSizes: [UInt32: UInt64]

  /// Describes a bus.
  public init(
    peers: [String: Range<UInt64>], memory: [Range<UInt64>], blockSizes: [UInt32: UInt64]
  ) {
    self.peers = peers
    self.memory = memory
    self.blockSizes = blockSizes
  }

  /// What a bus address belongs to.
  func place(of address: UInt64) -> PathEvidence.Place {
    if let peer = peers.first(where: { $0.value.contains(address) }) { return .peer(peer.key) }
    return memory.contains { $0.contains(address) } ? .memory : .other
  }
}

/// Where the data of a phase really went, by QEMU's account.
public struct PathEvidence: Sendable, Hashable, Codable {
  /// Something that a bus address belongs to.
  enum Place: Hashable {
    case peer(String)
    case memory
    case other
  }

  /// Bytes that moved to or from each peer's BAR, by topology id.
  public var peers: [String: UInt64] = [:]
  /// Bytes that moved to or from system memory.
  public var memory: UInt64 = 0
  /// Bytes whose bus address belongs to neither.
  public var other: UInt64 = 0
  /// NVMe commands that moved them.
  public var commands = 0
  /// Bytes of the phase's disk ranges that no command moved.
  public var unmoved: UInt64 = 0

  /// Nothing moved.
  public init() {}

  /// Counts what moved in a window for the disk ranges of `transfers`.
  public init(
    window: NVMeTrace.Window, transfers: [PhaseReport.Transfer], bus: BusMap
  ) throws(ProtocolViolation) {
    for transfer in transfers {
      guard let ranges = transfer.ranges, let blockSize = bus.blockSizes[transfer.nsid] else {
        throw ProtocolViolation("a transfer names a namespace or an extent that can't be")
      }
      var moved: [Range<UInt64>] = []
      for command in window.commands
      where command.direction == transfer.dir && command.nsid == transfer.nsid {
        guard let blocks = command.range(blockSize: blockSize),
          ranges.contains(where: { $0.overlaps(blocks) })
        else { continue }
        moved.append(blocks)
        commands += 1
        for mapping in command.mappings { count(mapping, bus) }
      }
      unmoved += ranges.reduce(0) { $0 + $1.uncovered(by: moved) }
    }
  }

  private mutating func count(_ mapping: NVMeTrace.Mapping, _ bus: BusMap) {
    switch bus.place(of: mapping.place) {
    case .peer(let id): peers[id, default: 0] += mapping.length
    case .memory: memory += mapping.length
    case .other: other += mapping.length
    }
  }

  /// What contradicts a claim, in words; `nil` if nothing does.
  public func contradiction(of claim: PhaseReport.Claim, peer: String) -> String? {
    let elsewhere = peers.filter { $0.key != peer || claim == .memory && $0.value > 0 }
    if let (id, bytes) = elsewhere.first(where: { $0.value > 0 }) {
      return "\(bytes) bytes moved through the BAR of \(id)"
    }
    if other > 0 { return "\(other) bytes moved through addresses that belong to nothing known" }
    if claim == .peer, memory > 0 { return "\(memory) bytes moved through system memory" }
    if unmoved > 0 { return "\(unmoved) bytes were moved by no NVMe command" }
    return nil
  }
}

extension NVMeTrace.Command {
  /// The disk range in bytes; `nil` if it overflows.
  func range(blockSize: UInt64) -> Range<UInt64>? {
    let (start, overflow) = lba.multipliedReportingOverflow(by: blockSize)
    let (end, tooFar) = start.addingReportingOverflow(count)
    return overflow || tooFar ? nil : start..<end
  }
}

extension Range<UInt64> {
  /// How many of this range's elements none of `others` has.
  func uncovered(by others: [Range<UInt64>]) -> UInt64 {
    var missing: UInt64 = 0
    var position = lowerBound
    for other in others.sorted(by: { $0.lowerBound < $1.lowerBound }) where position < upperBound {
      let start = Swift.min(Swift.max(other.lowerBound, position), upperBound)
      missing += start - position
      position = Swift.max(position, Swift.min(other.upperBound, upperBound))
    }
    return missing + (upperBound > position ? upperBound - position : 0)
  }
}
