// SPDX-License-Identifier: Apache-2.0

/// The bus as a guest has it: where each peer's memory is, and where system memory is.
public struct BusMap: Sendable, Hashable {
  /// The BAR that holds the peer memory of a device, by topology id; bus addresses.
  public var peers: [String: Range<UInt64>]
  /// System memory; bus addresses.
  public var memory: [Range<UInt64>]
  /// Bytes of a logical block, by namespace id (NVMe Base 2.0c, 3.2.1).
  public var blockSizes: [UInt32: UInt64]
  /// Who does the DMA of a namespace's controller, by namespace id. Without it, a translation by
  /// a vIOMMU counts for whichever controller named the page.
  public var requesters: [UInt32: RequesterID]

  /// Describes a bus.
  public init(
    peers: [String: Range<UInt64>], memory: [Range<UInt64>], blockSizes: [UInt32: UInt64],
    requesters: [UInt32: RequesterID] = [:]
  ) {
    self.peers = peers
    self.memory = memory
    self.blockSizes = blockSizes
    self.requesters = requesters
  }
}

/// Something that a bus address belongs to.
enum BusPlace: Hashable {
  case peer(String)
  case memory
  case other
  /// A vIOMMU is there and made nothing of the address.
  case untranslated
}

/// The map's regions in order, for quick look-ups.
struct BusRegions {
  private let regions: [(range: Range<UInt64>, place: BusPlace)]

  init(_ map: BusMap) {
    let peers = map.peers.map { (range: $0.value, place: BusPlace.peer($0.key)) }
    let memory = map.memory.map { (range: $0, place: BusPlace.memory) }
    regions = (peers + memory).filter { !$0.range.isEmpty }
      .sorted { $0.range.lowerBound < $1.range.lowerBound }
  }

  /// What `address` belongs to, and how many bytes from it on do as well.
  func place(of address: UInt64) -> (place: BusPlace, length: UInt64) {
    for region in regions where address < region.range.upperBound {
      return address >= region.range.lowerBound
        ? (region.place, region.range.upperBound - address)
        : (.other, region.range.lowerBound - address)
    }
    return (.other, .max)
  }
}
