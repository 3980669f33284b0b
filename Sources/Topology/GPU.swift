// SPDX-License-Identifier: Apache-2.0

/// The peer GPU: QEMU's ivshmem with video memory in BAR 2.
public struct GPU: Sendable, Hashable, Codable {
  /// The name.
  public var id: String
  /// The node above, nil for the root complex.
  public var bus: String?
  /// The size of BAR 2, a power of two.
  public var videoMemory: ByteCount

  /// Makes a GPU.
  public init(id: String, bus: String? = nil, videoMemory: ByteCount) {
    self.id = id
    self.bus = bus
    self.videoMemory = videoMemory
  }
}
