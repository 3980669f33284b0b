// SPDX-License-Identifier: Apache-2.0

import Foundation
import GoldenData

/// The two ways of moving the same bytes.
public enum Phase: String, Sendable, Hashable, Codable, CaseIterable {
  /// Peer to peer, by `O_DIRECT`.
  case direct
  /// Through the page cache.
  case fallback
}

/// One line of a guest program's output, protocol `crossbar.program/1`: KTAP 1 with diagnostic lines
/// that hold a JSON object each. The guest is hostile: nothing here trusts a number.
public enum ProgramEvent: Sendable, Hashable {
  /// How many cases follow.
  case plan(cases: Int)
  /// A case begins.
  case begin(CaseHeader)
  /// The host is asked to compare its own view of peer memory.
  case inspect(Inspection)
  /// A phase of a case is over.
  case phase(PhaseReport)
  /// A file that stays on the disk.
  case file(FileReport)
  /// The KTAP result line of a case.
  case result(CaseVerdictLine)
  /// Any other line: for the log only.
  case other

  /// Longest line that is looked at, in bytes.
  public static let lineLimit = 64 << 10
  private static let prefix = "# xbar "

  /// Reads one line.
  ///
  /// - Throws: `ProtocolViolation` for a line that claims to be of the protocol and isn't.
  public init(line: String) throws(ProtocolViolation) {
    guard line.utf8.count <= Self.lineLimit else {
      throw ProtocolViolation("a line has more than \(Self.lineLimit) bytes")
    }
    if line.hasPrefix(Self.prefix) {
      self = try Self.decode(line.dropFirst(Self.prefix.count))
    } else if let result = CaseVerdictLine(line: line) {
      self = .result(result)
    } else {
      self = .other
    }
  }

  private struct Tag: Decodable { var t: String }
  private struct Plan: Decodable { var cases: Int }

  private static func decode(_ text: Substring) throws(ProtocolViolation) -> ProgramEvent {
    let data = Data(text.utf8)
    let decoder = JSONDecoder()
    do {
      switch try decoder.decode(Tag.self, from: data).t {
      case "plan": return .plan(cases: try decoder.decode(Plan.self, from: data).cases)
      case "case": return .begin(try decoder.decode(CaseHeader.self, from: data))
      case "inspect": return .inspect(try decoder.decode(Inspection.self, from: data))
      case "phase": return .phase(try decoder.decode(PhaseReport.self, from: data))
      case "file": return .file(try decoder.decode(FileReport.self, from: data))
      default: return .other
      }
    } catch {
      throw ProtocolViolation("a line is no event of the protocol: `\(text.prefix(120))`")
    }
  }
}

/// The guest program said something that the protocol does not allow.
public struct ProtocolViolation: Error, Sendable, Hashable, CustomStringConvertible {
  /// What it said, as a sentence without a full stop.
  public var description: String

  /// Names a violation.
  public init(_ description: String) {
    self.description = description
  }
}

/// What a case is.
public struct CaseHeader: Sendable, Hashable, Codable {
  /// What a case does with the peer's memory.
  public enum Operation: String, Sendable, Hashable, Codable {
    /// File to peer memory.
    case read
    /// Peer memory to file.
    case write
    /// File to peer memory to another file.
    case copy
  }

  /// Counts from 1.
  public var n: Int
  /// `VOLUME.PEER.WHAT`.
  public var name: String
  /// The namespace's id.
  public var volume: String
  /// The id of the device whose memory takes part.
  public var peer: String
  /// What is done.
  public var op: Operation
}

/// A request to compare the host's view of peer memory.
public struct Inspection: Sendable, Hashable, Decodable {
  /// The case.
  public var n: Int
  /// The phase that is under way.
  public var phase: Phase
  /// Whose memory.
  public var peer: String
  /// Offset in the peer's BAR.
  public var at: UInt64
  /// What must be there, one after the other.
  public var segments: [SegmentReport]
}

/// A piece of content as the program describes it.
public struct SegmentReport: Sendable, Hashable, Decodable {
  private enum Kind: String, Decodable {
    case cells, zeros, byte
  }

  /// What is expected.
  public var segment: Segment

  private enum Key: CodingKey { case len, kind, file, gen, off, byte }

  /// Decodes a piece; refuses lengths and cell offsets that can't be.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: Key.self)
    let length = try values.decode(UInt64.self, forKey: .len)
    switch try values.decode(Kind.self, forKey: .kind) {
    case .zeros: segment = Segment(length: length, kind: .zeros)
    case .byte:
      segment = Segment(length: length, kind: .byte(try values.decode(UInt8.self, forKey: .byte)))
    case .cells:
      segment = Segment(
        length: length,
        kind: .cells(
          GoldenFile(
            file: try values.decode(UInt16.self, forKey: .file),
            generation: try values.decode(UInt16.self, forKey: .gen)),
          offset: try values.decode(UInt64.self, forKey: .off)))
    }
  }
}

/// How a phase went, in the guest's eyes.
public struct PhaseReport: Sendable, Hashable, Decodable {
  /// Where the data addresses of a phase lie, as the program claims.
  public enum Claim: String, Sendable, Hashable, Codable {
    /// In the peer's BAR.
    case peer
    /// In system memory.
    case memory
  }

  /// Disk ranges of one namespace that had to move in one direction.
  public struct Transfer: Sendable, Hashable, Decodable {
    /// Which way.
    public var dir: NVMeTrace.Direction
    /// The namespace.
    public var nsid: UInt32
    /// Pairs of disk offset and length, in bytes.
    public var extents: [[UInt64]]

    /// The ranges; `nil` if a pair is none, or overflows.
    public var ranges: [Range<UInt64>]? {
      var ranges: [Range<UInt64>] = []
      for extent in extents {
        guard extent.count == 2 else { return nil }
        let (end, overflow) = extent[0].addingReportingOverflow(extent[1])
        guard !overflow else { return nil }
        ranges.append(extent[0]..<end)
      }
      return ranges
    }
  }

  /// Wrong content that the guest saw.
  public struct GuestMismatch: Sendable, Hashable, Decodable {
    /// File offset in bytes.
    public var at: UInt64
    /// What was expected, in the program's words.
    public var expected: String?
    /// The first bytes that were found, in hexadecimal.
    public var found: String?
  }

  /// The case.
  public var n: Int
  /// Which phase.
  public var phase: Phase
  /// 0, or why the kernel refused.
  public var errno: Int32
  /// Bytes that were moved.
  public var bytes: UInt64
  /// Nanoseconds that it took.
  public var ns: UInt64
  /// Which way the bytes went, as the program claims.
  public var claim: Claim
  /// What had to move.
  public var transfers: [Transfer]
  /// The first wrong content; `nil` if all was right.
  public var mismatch: GuestMismatch?
}

/// A file that stays on the disk when the program ends.
public struct FileReport: Sendable, Hashable, Decodable {
  /// The namespace's id.
  public var volume: String
  /// Path within the file system.
  public var path: String
  /// Length in bytes.
  public var size: UInt64
  /// Quadruples of file offset, disk offset, length, and 1 for unwritten.
  public var extents: [[UInt64]]
  /// The whole content.
  public var segments: [SegmentReport]
}

/// `ok N NAME`, `ok N NAME # SKIP reason`, `not ok N NAME` (KTAP 1, "Test case result lines").
public struct CaseVerdictLine: Sendable, Hashable {
  /// The case.
  public var n: Int
  /// What the program thinks of it.
  public var passed: Bool
  /// Why it was skipped, if it was.
  public var skipReason: String?

  /// Reads a result line; `nil` if `line` is none.
  public init?(line: String) {
    var rest = Substring(line)
    passed = !rest.hasPrefix("not ok ")
    guard passed == rest.hasPrefix("ok ") else { return nil }
    rest = rest.dropFirst(passed ? "ok ".count : "not ok ".count)
    guard let number = rest.split(separator: " ").first.flatMap({ Int($0) }) else { return nil }
    n = number
    if let range = rest.range(of: "# SKIP") {
      skipReason = rest[range.upperBound...].trimmingCharacters(in: .whitespaces)
    }
  }
}
