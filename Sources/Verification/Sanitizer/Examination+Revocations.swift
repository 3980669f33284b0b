// SPDX-License-Identifier: Apache-2.0

/// `useAfterRevoke` and `lateAcknowledgment`.
extension Examination {
  func revoke(_ revoked: AccessLog.Invalidation, _ index: Int, _ life: AddressSpaceLife) {
    if !life.stale.isEmpty {
      // From here on, whatever the engine forgets may be for this one.
      settle(life) { access in access.range.overlaps(revoked.range) }
    }
    life.revoked.revoke(
      revoked.range, RevokedRanges.Revocation(generation: revoked.generation, source: index))
    life.newestRevoked = max(life.newestRevoked, revoked.generation)
  }

  /// A mapping was used that the entry `revocation` had ended.
  func noteStale(_ index: Int, _ revocation: Int, _ event: Int?, _ life: AddressSpaceLife) {
    if let known = life.stale.firstIndex(where: { $0.invalidation == revocation }) {
      life.stale[known].count += 1
      if life.stale[known].uses.count < StaleUse.kept { life.stale[known].uses.append(index) }
    } else if life.stale.count < StaleUse.open {
      life.stale.append(StaleUse(invalidation: revocation, uses: [index], count: 1))
    } else {
      tell(StaleUse(invalidation: revocation, uses: [index], count: 1), event: event)
    }
  }

  /// The engine used a mapping that is alive, by the entry `index`.
  func noteFresh(
    _ range: Range<UInt64>, _ generation: UInt16, _ index: Int, _ life: AddressSpaceLife
  ) {
    guard !life.stale.isEmpty else { return }
    noteDropped(index, life) { $0.generation != generation && $0.range.overlaps(range) }
  }

  /// The engine faulted, by the entry `index`. A fault for writing says nothing of a mapping that was
  /// only read through: it may have been read-only.
  func noteFault(_ fault: AccessLog.Fault, _ index: Int, _ life: AddressSpaceLife) {
    guard !life.stale.isEmpty else { return }
    let page = fault.address & ~4095
    let range = everything(page, 4096)
    noteDropped(index, life) {
      $0.range.overlaps(range) && (fault.purpose == .read || $0.isWrite)
    }
  }

  /// Nobody will learn any more whether the engine forgot what it used.
  func settle(
    _ life: AddressSpaceLife, where isMeant: (AccessLog.Access) -> Bool = { _ in true }
  ) {
    life.stale.removeAll { use in
      guard accesses(of: use).contains(where: isMeant) else { return false }
      tell(use, event: nil)
      return true
    }
  }

  private func noteDropped(
    _ index: Int, _ life: AddressSpaceLife, _ isMeant: (AccessLog.Access) -> Bool
  ) {
    life.stale.removeAll { use in
      guard accesses(of: use).contains(where: isMeant) else { return false }
      for entry in use.uses {
        findings.add(.lateAcknowledgment, entries: [entry, use.invalidation, index]) {
          "\(self.phrase(entry)) used a mapping whose end the engine had acknowledged, and only "
            + "later it forgot that mapping: it acknowledged the invalidation too early."
        }
      }
      findings.add(.lateAcknowledgment, uncounted: use.count - use.uses.count)
      return true
    }
  }

  private func tell(_ use: StaleUse, event: Int?) {
    for entry in use.uses {
      findings.add(
        .useAfterRevoke, entries: [entry, use.invalidation], events: event.map { [$0] } ?? []
      ) {
        "\(self.phrase(entry)) used a mapping after the engine had acknowledged its end\(self.limits(use))."
      }
    }
    findings.add(.useAfterRevoke, uncounted: use.count - use.uses.count)
  }

  private func limits(_ use: StaleUse) -> String {
    guard log.entries.indices.contains(use.invalidation),
      case .invalidation(let revoked) = log.entries[use.invalidation].event
    else { return "" }
    let range = revoked.range
    return
      ": the invalidation of \(hex(range.lowerBound)) to \(hex(range.upperBound)) up to generation "
      + "\(revoked.generation)"
  }

  private func accesses(of use: StaleUse) -> [AccessLog.Access] {
    use.uses.compactMap {
      if case .access(let access) = log.entries[$0].event { access } else { nil }
    }
  }

  private func phrase(_ index: Int) -> String {
    if case .access(let access) = log.entries[index].event {
      Self.phrase(access)
    } else {
      "An entry"
    }
  }
}
