// SPDX-License-Identifier: Apache-2.0

import Foundation
import GoldenData

/// Turns the JSON of an `xbar` line into an event, or says why it is none.
struct ProgramEventDecoder {
  static func decode(_ json: some StringProtocol) throws(ProtocolViolation) -> ProgramEvent {
    let wire: Wire
    do {
      wire = try JSONDecoder().decode(Wire.self, from: Data(json.utf8))
    } catch let error as DecodingError {
      throw ProtocolViolation.malformed(Self.reason(error))
    } catch {
      throw ProtocolViolation.malformed("not JSON")
    }
    return switch wire.t {
    case "plan": try wire.plan()
    case "case": try wire.caseBegins()
    case "inspect": try wire.inspect()
    case "gpu": try wire.gpuEdge()
    case "inject": try wire.injection()
    case "ack": try wire.acknowledgment()
    case "phase": try wire.phaseReport()
    case "file": try wire.fileReport()
    default: throw ProtocolViolation.malformed("unknown event `\(wire.t.prefix(40))`")
    }
  }

  private static func reason(_ error: DecodingError) -> String {
    switch error {
    case .keyNotFound(let key, _): "the key `\(key.stringValue.prefix(40))` is missing"
    case .typeMismatch(_, let context), .valueNotFound(_, let context):
      "the key `\(path(context).prefix(80))` has a value of the wrong type"
    case .dataCorrupted(let context) where context.codingPath.isEmpty: "not JSON"
    case .dataCorrupted(let context):
      "the key `\(path(context).prefix(80))` has a value out of range"
    @unknown default: "not JSON"
    }
  }

  private static func path(_ context: DecodingError.Context) -> String {
    context.codingPath.map(\.stringValue).joined(separator: ".")
  }
}

/// Every key that any event has, as it is on the wire.
private struct Wire: Decodable {
  struct Segment: Decodable {
    let len: UInt64
    let kind: String
    let file: UInt16?
    let gen: UInt16?
    let off: UInt64?
    let byte: UInt8?
  }

  struct Transfer: Decodable {
    let dir: TransferDirection
    let nsid: UInt32
    let extents: [[UInt64]]
  }

  struct Mismatch: Decodable {
    let at: UInt64
    let expected: String
    let found: String
  }

  let t: String
  let n: Int?
  let cases: Int?
  let name: String?
  let volume: String?
  let peer: String?
  let op: CaseOperation?
  let phase: Phase?
  let at: UInt64?
  let segments: [Segment]?
  let errno: Int32?
  let bytes: UInt64?
  let ns: UInt64?
  let claim: String?
  let transfers: [Transfer]?
  let mismatch: Mismatch?
  let path: String?
  let file: UInt16?
  let size: UInt64?
  let extents: [[UInt64]]?
  let edge: GPUEdge.Side?
  let commands: UInt64?
  let faults: UInt64?
  let aborts: UInt64?
  let direct: UInt64?
  let fallback: UInt64?
  let refusals: UInt64?
  let leaves: Bool?
  let switches: String?
  let slot: Int?
  let generation: UInt16?

  func plan() throws(ProtocolViolation) -> ProgramEvent {
    let cases = try need(cases, "cases")
    try hold((0...ProtocolBounds.cases).contains(cases), "`cases` is \(cases)")
    return .plan(cases: cases)
  }

  func caseBegins() throws(ProtocolViolation) -> ProgramEvent {
    .begin(
      .init(
        n: try number(), name: try text(name, "name"), volume: try text(volume, "volume"),
        peer: try text(peer, "peer"), op: try need(op, "op")))
  }

  func inspect() throws(ProtocolViolation) -> ProgramEvent {
    .inspect(
      .init(
        n: try number(), phase: try need(phase, "phase"), peer: try text(peer, "peer"),
        at: try need(at, "at"), segments: try content().segments))
  }

  func gpuEdge() throws(ProtocolViolation) -> ProgramEvent {
    let side = try need(edge, "edge")
    var event = GPUEdge(n: try number(), side: side)
    switch side {
    case .begin: event.claim = try dmaClaim()
    case .end:
      event.counts = GPUCounts(
        commands: try need(commands, "commands"), faults: try need(faults, "faults"),
        aborts: try need(aborts, "aborts"), pages: try pageCounts())
      event.leavesFile = try need(leaves, "leaves")
    }
    return .gpu(event)
  }

  private func dmaClaim() throws(ProtocolViolation) -> DMAClaim {
    let claim = try text(claim, "claim")
    switch claim {
    case "memory": return .memory
    case "video": return .video
    case "mixed": return .mixed
    case _ where claim.hasPrefix(DMAClaim.directPrefix):
      let id = claim.dropFirst(DMAClaim.directPrefix.count)
      try hold(!id.isEmpty, "`claim` names no device")
      return .direct(String(id))
    default: throw ProtocolViolation.malformed("`claim` is `\(claim.prefix(40))`")
    }
  }

  /// All three of them, or none.
  private func pageCounts() throws(ProtocolViolation) -> PageCounts? {
    guard direct != nil || fallback != nil || refusals != nil else { return nil }
    return PageCounts(
      direct: try need(direct, "direct"), fallback: try need(fallback, "fallback"),
      refusals: try need(refusals, "refusals"))
  }

  func injection() throws(ProtocolViolation) -> ProgramEvent {
    .inject(InjectionRequest(n: try number(), switches: try text(switches, "switches")))
  }

  func acknowledgment() throws(ProtocolViolation) -> ProgramEvent {
    let slot = try need(slot, "slot")
    try hold((0..<Acknowledgment.slots).contains(slot), "`slot` is \(slot)")
    return .acknowledgment(
      Acknowledgment(
        n: try number(), volume: try text(volume, "volume"), slot: slot,
        generation: try need(generation, "generation")))
  }

  func phaseReport() throws(ProtocolViolation) -> ProgramEvent {
    let errno = try need(errno, "errno")
    try hold((0...4095).contains(errno), "`errno` is \(errno)")
    let bytes = try need(bytes, "bytes")
    try hold(bytes <= ProtocolBounds.bytes, "`bytes` is \(bytes)")
    let wires = try need(transfers, "transfers")
    try hold(wires.count <= ProtocolBounds.extents, "\(wires.count) transfers")
    var transfers: [Verification.Transfer] = []
    for wire in wires {
      try hold(wire.extents.count <= ProtocolBounds.extents, "\(wire.extents.count) extents")
      var ranges: [DiskRange] = []
      for extent in wire.extents {
        guard extent.count == 2, let range = DiskRange(offset: extent[0], length: extent[1]),
          range.length <= ProtocolBounds.bytes
        else {
          throw ProtocolViolation.malformed("an extent of a transfer is not [offset, length]")
        }
        ranges.append(range)
      }
      transfers.append(.init(direction: wire.dir, nsid: wire.nsid, ranges: ranges))
    }
    return .phase(
      .init(
        n: try number(), phase: try need(phase, "phase"), errno: errno, bytes: bytes,
        ns: try need(ns, "ns"), claim: try named(claim, "claim"), transfers: transfers,
        mismatch: try guestMismatch()))
  }

  func fileReport() throws(ProtocolViolation) -> ProgramEvent {
    let size = try need(size, "size")
    try hold(size <= ProtocolBounds.bytes, "`size` is \(size)")
    let wires = try need(extents, "extents")
    try hold(wires.count <= ProtocolBounds.extents, "\(wires.count) extents")
    var extents: [Extent] = []
    for wire in wires {
      guard wire.count == 4, wire[3] <= 1 else {
        throw ProtocolViolation.malformed(
          "an extent is not [file offset, disk offset, length, 0 or 1]")
      }
      extents.append(
        Extent(
          fileOffset: wire[0], diskOffset: wire[1], length: wire[2], unwritten: wire[3] == 1))
    }
    guard let map = ExtentMap(extents) else {
      throw ProtocolViolation.malformed("the extents overlap or reach too far")
    }
    let content = try content()
    try hold(content.length == size, "segments of \(content.length) bytes for a size of \(size)")
    return .file(
      .init(
        volume: try text(volume, "volume"),
        path: try text(path, "path"), file: try need(file, "file"), size: size, extents: map,
        content: content))
  }

  private func guestMismatch() throws(ProtocolViolation) -> GuestMismatch? {
    guard let mismatch else { return nil }
    guard
      let found = FoundBytes(
        hexadecimal: mismatch.found, limit: ProtocolBounds.mismatchBytes)
    else { throw ProtocolViolation.malformed("`found` is not hexadecimal or too long") }
    return .init(
      offset: mismatch.at, expected: try text(mismatch.expected, "expected"), found: found)
  }

  private func content() throws(ProtocolViolation) -> ExpectedContent {
    let wires = try need(segments, "segments")
    try hold(wires.count <= ProtocolBounds.segments, "\(wires.count) segments")
    var segments: [GoldenData.Segment] = []
    for wire in wires {
      let kind: GoldenData.Segment.Kind =
        switch wire.kind {
        case "cells":
          .cells(
            GoldenFile(file: try need(wire.file, "file"), generation: try need(wire.gen, "gen")),
            offset: try need(wire.off, "off"))
        case "zeros": .zeros
        case "byte": .byte(try need(wire.byte, "byte"))
        default:
          throw ProtocolViolation.malformed("unknown kind `\(wire.kind.prefix(40))` of a segment")
        }
      segments.append(GoldenData.Segment(length: wire.len, kind: kind))
    }
    guard let content = ExpectedContent(segments), content.length <= ProtocolBounds.bytes else {
      throw ProtocolViolation.malformed("the segments are too long")
    }
    return content
  }

  private func number() throws(ProtocolViolation) -> Int {
    let number = try need(n, "n")
    try hold((1...ProtocolBounds.cases).contains(number), "`n` is \(number)")
    return number
  }

  private func text(_ value: String?, _ key: String) throws(ProtocolViolation) -> String {
    let value = try need(value, key)
    try hold(value.utf8.count <= ProtocolBounds.name, "`\(key)` is too long")
    return value
  }

  /// A value of an enumeration, by its name on the wire.
  private func named<Value: RawRepresentable<String>>(
    _ name: String?, _ key: String
  ) throws(ProtocolViolation) -> Value {
    let name = try need(name, key)
    guard let value = Value(rawValue: name) else {
      throw ProtocolViolation.malformed("`\(key)` is `\(name.prefix(40))`")
    }
    return value
  }

  private func need<Value>(_ value: Value?, _ key: String) throws(ProtocolViolation) -> Value {
    guard let value else { throw ProtocolViolation.malformed("the key `\(key)` is missing") }
    return value
  }

  private func hold(_ condition: Bool, _ reason: @autoclosure () -> String)
    throws(ProtocolViolation)
  {
    if !condition { throw ProtocolViolation.malformed(reason()) }
  }
}
