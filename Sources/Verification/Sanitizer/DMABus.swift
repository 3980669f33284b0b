// SPDX-License-Identifier: Apache-2.0

/// The bus as the engine of one GPU can reach it.
public struct DMABus: Hashable, Sendable {
  /// The memory BARs that the guest's configuration space shows, by topology id; bus addresses.
  public var bars: [String: [Range<UInt64>]]
  /// System memory; bus addresses.
  public var memory: [Range<UInt64>]
  /// BAR 2 of the GPU whose engine wrote the log; bus addresses.
  public var videoMemory: Range<UInt64>

  /// Describes a bus.
  public init(
    bars: [String: [Range<UInt64>]], memory: [Range<UInt64>], videoMemory: Range<UInt64>
  ) {
    self.bars = bars
    self.memory = memory
    self.videoMemory = videoMemory
  }
}

/// What the bytes of an access belong to.
enum DMAPlace: Hashable {
  case video
  case memory
  case bar(String)
  case nowhere
}

/// The bus in order, for quick look-ups: O(log r) for r ranges.
struct DMARegions {
  private struct BAR {
    var range: Range<UInt64>
    var id: String
  }

  private let memory: ByteRanges
  private let bars: [BAR]
  private let video: Range<UInt64>

  init(_ bus: DMABus) {
    memory = ByteRanges(bus.memory)
    video = bus.videoMemory
    bars = bus.bars.flatMap { id, ranges in
      ranges.filter { !$0.isEmpty }.map { BAR(range: $0, id: id) }
    }.sorted { ($0.range.lowerBound, $0.id) < ($1.range.lowerBound, $1.id) }
  }

  /// What an access belongs to, by its port and all of its bytes.
  func place(of access: AccessLog.Access) -> DMAPlace {
    let range = access.bus..<(access.bus &+ access.length)
    switch access.port {
    case .none: return .nowhere
    case .video:
      return range.upperBound <= video.upperBound - video.lowerBound ? .video : .nowhere
    case .memory: return isMemory(range) ? .memory : .nowhere
    case .bar: return bar(range) ?? .nowhere
    // QEMU would reach system memory too, but that is another port's.
    case .bus: return bar(range) ?? .nowhere
    }
  }

  /// The bus address of the first byte; nil where an offset is outside of video memory.
  func busAddress(of access: AccessLog.Access) -> UInt64? {
    guard access.port == .video else { return access.bus }
    let (sum, overflow) = video.lowerBound.addingReportingOverflow(access.bus)
    return overflow ? nil : sum
  }

  private func isMemory(_ range: Range<UInt64>) -> Bool { memory.holds(range) }

  private func bar(_ range: Range<UInt64>) -> DMAPlace? {
    var low = 0
    var high = bars.count
    while low < high {
      let middle = (low + high) / 2
      if bars[middle].range.upperBound <= range.lowerBound {
        low = middle + 1
      } else {
        high = middle
      }
    }
    guard low < bars.count, bars[low].range.lowerBound <= range.lowerBound,
      range.upperBound <= bars[low].range.upperBound
    else { return nil }
    // The GPU's own BAR is video memory, whichever way it is reached.
    return bars[low].range == video ? .video : .bar(bars[low].id)
  }
}

extension ByteRanges {
  /// All of `range` is in the set.
  fileprivate func holds(_ range: Range<UInt64>) -> Bool {
    let parts = parts(of: range)
    return range.isEmpty || parts.count == 1 && parts[0] == range
  }
}
