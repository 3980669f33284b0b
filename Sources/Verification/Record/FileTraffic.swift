// SPDX-License-Identifier: Apache-2.0

/// How the blocks of files got to a peer GPU in one case, by three accounts: the GPU's, the guest
/// driver's, and QEMU's of the controllers.
public struct FileTraffic: Sendable, Hashable, Codable {
  /// Where the GPU found its data, its own video memory aside.
  public enum Path: String, Sendable, Hashable, Codable {
    /// In BARs of other devices only.
    case direct
    /// In system memory only.
    case fallback
    /// In both.
    case mixed
    /// In neither.
    case none
  }

  /// Where the data were, by the bytes that the GPU's ports moved.
  public var path: Path
  /// What the guest's driver mapped; nil if the case never told.
  public var pages: PageCounts?
  /// What the controllers moved, by topology id; nil if QEMU's trace does not bracket the case.
  public var controllers: [String: ControllerTraffic]?

  /// Names what happened.
  ///
  /// - Parameter bytes: what the GPU moved, by its ports.
  public init(
    bytes: [String: UInt64], pages: PageCounts?, controllers: [String: ControllerTraffic]?
  ) {
    let isDirect = (bytes["bus"] ?? 0) > 0 || (bytes["bar"] ?? 0) > 0
    let isFallback = (bytes["memory"] ?? 0) > 0
    path = isDirect ? (isFallback ? .mixed : .direct) : (isFallback ? .fallback : .none)
    self.pages = pages
    self.controllers = controllers
  }
}
