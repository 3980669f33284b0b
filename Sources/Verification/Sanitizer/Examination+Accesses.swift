// SPDX-License-Identifier: Apache-2.0

extension Examination {
  /// What an access is, held against mappings and revocations.
  private enum Verdict {
    case good
    /// Revoked by the log entry.
    case stale(Int, mappedBy: Int?)
    /// The driver mapped the address elsewhere.
    case wrongFrame(at: UInt64, MappingIndex.Segment)
    case readOnly(at: UInt64, MappingIndex.Segment)
    /// The driver never mapped the address.
    case unmapped(at: UInt64)
    /// The former life of the address space did.
    case leaked(at: UInt64, MappingIndex.Segment)
  }

  /// `strayAccess` as far as the bus goes, and `wrongPath`.
  func checkPlace(
    _ access: AccessLog.Access, _ index: Int, _ place: DMAPlace, _ window: AccessWindow?
  ) {
    if place == .nowhere {
      findings.add(.strayAccess, entries: [index]) {
        access.port == .none
          ? "\(Self.phrase(access)) reached bus address \(hex(access.bus)), which no port owns: the "
            + "master aborted."
          : "\(Self.phrase(access)) reached \(Self.target(access)), and not all of these "
            + "\(access.length) bytes are there for the port `\(access.port)`."
      }
      guard let window, !window.agrees(with: access.port) else { return }
      findings.add(.wrongPath, entries: [index]) {
        "The case \(window.rule), but \(Self.phrase(access, isSubject: false)) went by the "
          + "port `\(access.port)`."
      }
    } else if let window, !window.agrees(with: place) {
      findings.add(.wrongPath, entries: [index]) {
        "The case \(window.rule), but \(Self.phrase(access, isSubject: false)) went to "
          + "\(Self.phrase(place))."
      }
    }
  }

  /// The rules that need to know the address space.
  func checkMapping(_ access: AccessLog.Access, _ index: Int, _ life: AddressSpaceLife?) {
    guard let life else {
      let space = log.entries[index].addressSpace
      return findings.add(.useAfterRevoke, entries: [index]) {
        "\(Self.phrase(access)) used address space \(space), which was not bound."
      }
    }
    life.lastActivity = log.entries[index].ns
    if life.fences.contains(access.fence) {
      findings.add(.fenceOutOfOrder, entries: [index]) {
        "\(Self.phrase(access)) came after fence \(access.fence) of address space "
          + "\(life.addressSpace), its own, had been signalled."
      }
    }
    guard access.length > 0 else { return }
    switch verdict(access, life) {
    case .good: noteFresh(access.range, access.generation, index, life)
    case .stale(let revocation, let event): noteStale(index, revocation, event, life)
    case .wrongFrame(let address, let segment):
      findings.add(.strayAccess, entries: [index], events: [segment.entry]) {
        "\(Self.phrase(access)) reached \(Self.target(access)), but the driver had mapped "
          + "\(hex(address)) to \(Self.target(segment, at: address)) in that generation."
      }
    case .readOnly(let address, let segment):
      findings.add(.strayAccess, entries: [index], events: [segment.entry]) {
        "\(Self.phrase(access)) changed \(hex(address)), which the driver had mapped read-only in "
          + "that generation."
      }
    case .unmapped(let address):
      findings.add(.strayAccess, entries: [index]) {
        "\(Self.phrase(access)) reached \(Self.target(access)), but the driver never mapped "
          + "\(hex(address)) in a generation that is \(access.generation) modulo 4096."
      }
    case .leaked(let address, let segment):
      findings.add(.leakedMapping, entries: [index, life.begin], events: [segment.entry]) {
        "\(Self.phrase(access)) used a mapping of \(hex(address)) that belongs to a former life of "
          + "address space \(life.addressSpace)."
      }
    }
  }

  private func verdict(_ access: AccessLog.Access, _ life: AddressSpaceLife) -> Verdict {
    guard let trace = life.trace, budget > 0 else { return verdictOfLog(access, life) }
    let limit = life.newestRevoked.addingReportingOverflow(Self.lead)
    let newest = limit.overflow ? UInt64.max : limit.partialValue
    var address = access.address
    let end = access.address &+ access.length
    while address < end {
      var next: UInt64?
      var failure: Verdict?
      trace.mappings.eachSegment(at: address, residue: access.generation, limit: newest) {
        generation, segment in
        budget -= 1
        guard let segment else { return budget > 0 }
        let part = address..<min(segment.range.upperBound, end)
        let revoked = life.revoked.first(of: part, from: max(generation, 1))
        guard fits(segment, access, address) else {
          if failure == nil {
            failure =
              revoked?.address == address
              ? .stale(revoked?.by.source ?? -1, mappedBy: segment.entry)
              : .wrongFrame(at: address, segment)
          }
          return budget > 0
        }
        if let revoked, revoked.address <= address {
          failure = .stale(revoked.by.source, mappedBy: segment.entry)
          return budget > 0
        }
        if access.isWrite, !segment.isWritable {
          failure = .readOnly(at: address, segment)
          return false
        }
        next = min(part.upperBound, revoked?.address ?? part.upperBound)
        return false
      }
      guard let next else {
        if budget <= 0 { return .good }
        return failure ?? leaked(access, at: address, trace) ?? .unmapped(at: address)
      }
      address = next
    }
    return .good
  }

  /// Without the driver's account: the generation must not be one that can only be an old one.
  private func verdictOfLog(_ access: AccessLog.Access, _ life: AddressSpaceLife) -> Verdict {
    let revoked = life.revoked.newest(of: access.range)
    guard revoked.generation > 0 else { return .good }
    // From the revoked generation on to the next one that the entry may stand for: 1 to 4096.
    let distance = (UInt64(access.generation) &- revoked.generation &- 1) & 4095 + 1
    let lead = life.newestRevoked &- revoked.generation
    return lead < 4096 && distance > lead + Self.lead
      ? .stale(revoked.source, mappedBy: nil) : .good
  }

  /// A mapping of a former life that the access fits.
  private func leaked(
    _ access: AccessLog.Access, at address: UInt64, _ trace: TracedLife
  ) -> Verdict? {
    var former = trace.predecessor
    for _ in 0..<4 {
      guard let life = former else { return nil }
      var found: Verdict?
      life.mappings.eachSegment(at: address, residue: access.generation, limit: .max) {
        _, segment in
        budget -= 1
        if let segment, fits(segment, access, address) { found = .leaked(at: address, segment) }
        return found == nil && budget > 0
      }
      if let found { return found }
      former = life.predecessor
    }
    return nil
  }

  /// The access reached the frame that the driver gave for `address`.
  private func fits(
    _ segment: MappingIndex.Segment, _ access: AccessLog.Access, _ address: UInt64
  ) -> Bool {
    let frame = segment.frame(at: address)
    let offset = address &- access.address
    if segment.isVideo { return access.port == .video && access.bus &+ offset == frame }
    return bus.busAddress(of: access).map { $0 &+ offset == frame } ?? false
  }

  static func phrase(_ access: AccessLog.Access, isSubject: Bool = true) -> String {
    "\(isSubject ? "A" : "a") \(access.isWrite ? "write" : "read") of \(access.length) bytes at "
      + "virtual address \(hex(access.address)), generation \(access.generation), for fence "
      + "\(access.fence)"
  }

  private static func phrase(_ place: DMAPlace) -> String {
    switch place {
    case .video: "video memory"
    case .memory: "system memory"
    case .bar(let id): "the BAR of \(id)"
    case .nowhere: "nowhere"
    }
  }

  private static func target(_ access: AccessLog.Access) -> String {
    access.port == .video
      ? "offset \(hex(access.bus)) of video memory" : "bus address \(hex(access.bus))"
  }

  private static func target(_ segment: MappingIndex.Segment, at address: UInt64) -> String {
    let frame = hex(segment.frame(at: address))
    return segment.isVideo ? "offset \(frame) of video memory" : "bus address \(frame)"
  }
}
