// SPDX-License-Identifier: Apache-2.0

/// One of the two ways in which a case moves its bytes.
public enum Phase: String, Hashable, Sendable, Codable, CaseIterable {
  /// Peer to peer.
  case direct
  /// Through the page cache.
  case fallback

  /// The direct phase comes first.
  var order: Int { self == .direct ? 0 : 1 }
}

/// Where a phase says that its data addresses lie.
public enum Claim: String, Hashable, Sendable, Codable {
  /// In the peer's BAR.
  case peer
  /// In system memory.
  case memory
}

/// Which way an NVMe command moves data.
public enum TransferDirection: String, Hashable, Sendable, Codable {
  /// Off the disk.
  case read
  /// Onto the disk.
  case write
}
