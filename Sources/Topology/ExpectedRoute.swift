// SPDX-License-Identifier: Apache-2.0

/// The way that Linux should find from an NVMe controller to a peer's memory.
public struct ExpectedRoute: Sendable, Hashable, Codable {
  /// The NVMe controller that does the DMA.
  public var from: String
  /// The device whose memory is read or written.
  public var to: String
  /// The route.
  public var route: Route

  /// Makes a statement about one pair.
  public init(from: String, to: String, route: Route) {
    self.from = from
    self.to = to
    self.route = route
  }
}

/// How peer-to-peer DMA gets from one device to another, as the kernel's P2PDMA code decides it.
public enum Route: String, Sendable, Hashable, Codable, CaseIterable {
  /// The memory belongs to the device itself: nothing leaves it.
  case device
  /// A bridge above both passes it on (PCI_P2PDMA_MAP_BUS_ADDR).
  case `switch`
  /// It goes through the host bridge (PCI_P2PDMA_MAP_THRU_HOST_BRIDGE).
  case hostBridge = "host-bridge"
  /// The kernel refuses (PCI_P2PDMA_MAP_NOT_SUPPORTED).
  case none
}
