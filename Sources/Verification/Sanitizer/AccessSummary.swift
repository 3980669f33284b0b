// SPDX-License-Identifier: Apache-2.0

/// What a GPU's engine did in one case, in numbers.
public struct AccessSummary: Hashable, Sendable, Codable {
  /// Bytes in both directions.
  public struct Moved: Hashable, Sendable, Codable {
    /// Bytes that the GPU read.
    public var read: UInt64 = 0
    /// Bytes that the GPU wrote.
    public var written: UInt64 = 0

    /// None.
    public init() {}

    /// Both directions.
    public var total: UInt64 { read &+ written }

    fileprivate mutating func add(_ access: AccessLog.Access) {
      if access.isWrite {
        written &+= access.length
      } else {
        read &+= access.length
      }
    }
  }

  /// The suite of the case; nil for a whole log.
  public var suite: String?
  /// Number of the case; nil for a whole log.
  public var number: Int?
  /// Name of the case; nil for a whole log.
  public var name: String?
  /// What it claims; nil for a whole log.
  public var claim: DMAClaim?
  /// Through the port of video memory.
  public var video = Moved()
  /// Through the mapping of system memory.
  public var memory = Moved()
  /// Through the mapping of another device's BAR.
  public var bar = Moved()
  /// Through the bus master.
  public var bus = Moved()
  /// Aborted: no port took them.
  public var none = Moved()
  /// What lies in a BAR of another device, whichever port served it, by topology id.
  public var devices: [String: Moved] = [:]
  /// Contiguous runs.
  public var accesses = 0
  /// Page faults that were raised.
  public var faults = 0
  /// Answers to page faults.
  public var replies = 0
  /// Invalidations that were acknowledged.
  public var invalidations = 0
  /// Fences that were signalled.
  public var fences = 0
  /// Resets of the engine.
  public var resets = 0
  /// Errors by which the engine stopped an address space.
  public var errors = 0

  /// Nothing happened.
  public init() {}

  /// Nothing has happened yet in a case.
  init(_ window: AccessWindow) {
    suite = window.suite
    number = window.number
    name = window.name
    claim = window.claim
  }

  mutating func count(_ event: AccessLog.Event, at place: DMAPlace) {
    switch event {
    case .access(let access):
      accesses += 1
      switch access.port {
      case .video: video.add(access)
      case .memory: memory.add(access)
      case .bar: bar.add(access)
      case .bus: bus.add(access)
      case .none: none.add(access)
      }
      if case .bar(let id) = place { devices[id, default: Moved()].add(access) }
    case .fault: faults += 1
    case .reply: replies += 1
    case .invalidation: invalidations += 1
    case .fence: fences += 1
    case .reset: resets += 1
    case .error: errors += 1
    case .bind, .unbind: break
    }
  }
}
