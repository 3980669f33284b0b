// SPDX-License-Identifier: Apache-2.0

/// Where the GPU's DMA in a case goes, as the case claims.
public enum DMAClaim: Hashable, Sendable {
  /// System memory only.
  case memory
  /// The GPU's own video memory only.
  case video
  /// The BAR of the device with this topology id, and the GPU's own video memory beside it.
  case direct(String)
  /// Anywhere.
  case mixed

  static let directPrefix = "direct:"
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
  /// The suite, whose cases have numbers of their own.
  public var suite: String?
  /// Number of the case.
  public var number: Int
  /// Name of the case.
  public var name: String
  /// The entries with these `n`.
  public var entries: Range<UInt64>
  /// Where the case's DMA goes.
  public var claim: DMAClaim
  /// The claim is about the data of files: the GPU's own video memory is free beside it.
  public var sparesVideo: Bool
  /// Topology ids of the devices whose BARs a case that claims nothing may reach all the same; nil for
  /// those of all.
  public var bars: Set<String>?

  /// Names a window.
  public init(
    suite: String? = nil, number: Int, name: String, entries: Range<UInt64>, claim: DMAClaim,
    sparesVideo: Bool = false, bars: Set<String>? = nil
  ) {
    self.suite = suite
    self.number = number
    self.name = name
    self.entries = entries
    self.claim = claim
    self.sparesVideo = sparesVideo
    self.bars = bars
  }

  /// What the case's DMA has to keep to, as the end of "the case ...".
  var rule: String {
    guard claim == .mixed, let bars else { return "claims \(claim)" }
    return bars.isEmpty
      ? "can use no BAR" : "can use the BAR of \(bars.sorted().joined(separator: ", ")) alone"
  }

  /// Whether an access to `place` is what the case claims.
  func agrees(with place: DMAPlace) -> Bool {
    switch claim {
    case .memory: place == .memory || sparesVideo && place == .video
    case .video: place == .video
    case .direct(let id): place == .bar(id) || place == .video
    case .mixed:
      if case .bar(let id) = place { bars?.contains(id) ?? true } else { true }
    }
  }

  /// Whether `port` can serve what the case claims.
  func agrees(with port: AccessLog.Port) -> Bool {
    switch (claim, port) {
    case (.mixed, _), (_, .none): true
    case (.memory, .memory), (.video, .video): true
    case (.memory, .video): sparesVideo
    case (.direct, .bar), (.direct, .bus), (.direct, .video): true
    default: false
    }
  }
}
