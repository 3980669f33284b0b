// SPDX-License-Identifier: Apache-2.0

/// Where the GPU's DMA in a case goes, as the case claims.
public enum DMAClaim: Hashable, Sendable {
  /// System memory only.
  case memory
  /// The GPU's own video memory only.
  case video
  /// The BAR of the device with this topology id only.
  case direct(String)
  /// Anywhere.
  case mixed

  fileprivate static let directPrefix = "direct:"
}

extension DMAClaim: Codable {
  /// Reads `memory`, `video`, `mixed` or `direct:ID`.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let text = try container.decode(String.self)
    switch text {
    case "memory": self = .memory
    case "video": self = .video
    case "mixed": self = .mixed
    case _ where text.hasPrefix(Self.directPrefix):
      self = .direct(String(text.dropFirst(Self.directPrefix.count)))
    default:
      throw DecodingError.dataCorruptedError(
        in: container, debugDescription: "`\(text)` is no claim")
    }
  }

  /// Writes `memory`, `video`, `mixed` or `direct:ID`.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .memory: try container.encode("memory")
    case .video: try container.encode("video")
    case .mixed: try container.encode("mixed")
    case .direct(let id): try container.encode(Self.directPrefix + id)
    }
  }
}

extension DMAClaim: CustomStringConvertible {
  /// The claim as the end of "the case claims ...".
  public var description: String {
    switch self {
    case .memory: "system memory"
    case .video: "video memory"
    case .direct(let id): "the BAR of \(id)"
    case .mixed: "nothing"
    }
  }
}

/// The part of an access log that belongs to one case.
public struct AccessWindow: Hashable, Sendable {
  /// Number of the case.
  public var number: Int
  /// Name of the case.
  public var name: String
  /// The entries with these `n`.
  public var entries: Range<UInt64>
  /// Where the case's DMA goes.
  public var claim: DMAClaim

  /// Names a window.
  public init(number: Int, name: String, entries: Range<UInt64>, claim: DMAClaim) {
    self.number = number
    self.name = name
    self.entries = entries
    self.claim = claim
  }
}
