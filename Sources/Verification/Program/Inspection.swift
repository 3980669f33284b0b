// SPDX-License-Identifier: Apache-2.0

import GoldenData

/// What a peer's memory must hold at the moment in which the program says so.
public struct Inspection: Hashable, Sendable {
  /// Number of the case.
  public var n: Int
  /// The phase that wrote the memory.
  public var phase: Phase
  /// Id of the device.
  public var peer: String
  /// Offset in the peer's BAR, in bytes.
  public var at: UInt64
  /// What must be there, one after the other.
  public var segments: [SegmentReport]

  /// An inspection.
  public init(n: Int, phase: Phase, peer: String, at: UInt64, segments: [Segment]) {
    self.n = n
    self.phase = phase
    self.peer = peer
    self.at = at
    self.segments = segments.map(SegmentReport.init(segment:))
  }
}

/// A piece of content as the program describes it.
public struct SegmentReport: Hashable, Sendable {
  /// What is expected.
  public var segment: Segment
}
