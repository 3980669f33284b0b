// SPDX-License-Identifier: Apache-2.0

/// Follows the blocks of a phase through QEMU's trace.
struct PathInspector {
  let trace: NVMeTrace
  let bus: BusMap
  /// Topology id of the controller, by namespace id.
  let controllers: [UInt32: String]
  let hasIOMMU: Bool

  /// Where the blocks of a phase went.
  ///
  /// - Parameter peer: id of the device that the case names.
  /// - Throws: when the trace has no whole window, or the report names what cannot be.
  func evidence(
    of report: PhaseReport, peer: String
  ) throws(ProtocolViolation) -> PathEvidence {
    guard let window = trace.windows[.init(report.n, report.phase)] else {
      throw .markersMissing(report.n, report.phase, reason: "there are no markers")
    }
    if let flaw = window.flaw {
      throw .markersMissing(report.n, report.phase, reason: flaw)
    }
    let resolver = AddressResolver(
      trace: trace, regions: BusRegions(bus), requesters: bus.requesters,
      controllers: controllers, hasIOMMU: hasIOMMU)
    let pieces = resolver.pieces(in: window)
    var evidence = PathEvidence()
    evidence.faults = window.faults.count
    for piece in pieces.values.joined() {
      if case .peer(let id) = piece.place { evidence.anyBAR[id, default: 0] &+= piece.length }
    }
    let claimed: BusPlace = report.claim == .peer ? .peer(peer) : .memory
    for transfer in report.transfers {
      try follow(transfer, report.n, window, pieces, claimed, &evidence)
    }
    return evidence
  }

  private func follow(
    _ transfer: Transfer, _ n: Int, _ window: NVMeTrace.Window, _ pieces: [Int: [DataPiece]],
    _ claimed: BusPlace, _ evidence: inout PathEvidence
  ) throws(ProtocolViolation) {
    guard let blockSize = bus.blockSizes[transfer.nsid], blockSize > 0 else {
      throw .unknownDevice(n, kind: "namespace with the number", id: "\(transfer.nsid)")
    }
    let ranges = ByteRanges(transfer.ranges.map { $0.offset..<$0.end })
    var moved: [Range<UInt64>] = []
    var refused: [Range<UInt64>] = []
    for index in window.commands {
      let command = trace.commands[index]
      guard command.direction == transfer.direction, command.nsid == transfer.nsid,
        let disk = command.diskRange(blockSize: blockSize), ranges.overlaps(disk)
      else { continue }
      guard command.mappedBytes == command.bytes else {
        refused += ranges.parts(of: disk)
        continue
      }
      evidence.commands += 1
      moved += ranges.parts(of: disk)
      for piece in pieces[index] ?? [] {
        let start = disk.lowerBound + piece.offset
        for part in ranges.parts(of: start..<(start &+ piece.length)) {
          evidence.moved.add(part.upperBound - part.lowerBound, at: piece.place)
          guard piece.place != claimed, evidence.firstElsewhere == nil else { continue }
          let address = piece.address &+ (part.lowerBound - start)
          evidence.firstElsewhere =
            "at 0x\(String(address, radix: 16)), the \(command.direction.rawValue) of disk offset "
            + "\(part.lowerBound) of namespace \(command.nsid)"
        }
      }
    }
    let unmoved = ranges.count(without: ByteRanges(moved))
    let whole = ByteRanges(moved + refused)
    evidence.unmoved &+= ranges.count(without: whole)
    evidence.refused &+= unmoved - ranges.count(without: whole)
  }
}

extension NVMeTrace.Command {
  /// The command's bytes on the disk; nil if they lie beyond 2^63.
  func diskRange(blockSize: UInt64) -> Range<UInt64>? {
    let (start, overflow) = lba.multipliedReportingOverflow(by: blockSize)
    guard !overflow, let range = DiskRange(offset: start, length: bytes) else { return nil }
    return range.offset..<range.end
  }
}
