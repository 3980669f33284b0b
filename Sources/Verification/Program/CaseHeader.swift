// SPDX-License-Identifier: Apache-2.0

/// A case and what it does, as its program announces it.
public struct CaseHeader: Hashable, Sendable {
  /// Number of the case, from 1 on.
  public var n: Int
  /// VOLUME.PEER.WHAT; of the peer GPU's cases GPU.WHAT or GPU.VOLUME.WHAT.
  public var name: String
  /// Id of the namespace whose file system holds the file; empty where there is none.
  public var volume: String
  /// Id of the device whose memory is used.
  public var peer: String
  /// What moves where.
  public var op: CaseOperation

  /// A case.
  public init(n: Int, name: String, volume: String, peer: String, op: CaseOperation) {
    self.n = n
    self.name = name
    self.volume = volume
    self.peer = peer
    self.op = op
  }
}

/// What a case does.
public enum CaseOperation: String, Hashable, Sendable, Codable {
  /// File to peer memory.
  case read
  /// Peer memory to file.
  case write
  /// File to peer memory to file.
  case copy
  /// Commands of the peer GPU, through pointers of a process.
  case gpu
  /// A program that others wrote, by its own verdict.
  case foreign
}
