// SPDX-License-Identifier: Apache-2.0

/// Counts all findings and keeps the first ones of each kind, and the first one of each kind in each
/// case: no case may pass because of others' findings.
struct FindingCollector {
  /// Findings of a kind that are kept.
  static let limit = 20

  /// What has one finding kept at least.
  private struct Place: Hashable {
    var kind: SanitizerFinding.Kind
    var suite: String?
    var number: Int?
  }

  private let log: AccessLog
  private let trace: DriverTrace
  private let windows: [AccessWindow]
  private var findings: [SanitizerFinding] = []
  private var places: Set<Place> = []
  private(set) var counts: [SanitizerFinding.Kind: Int] = [:]

  /// `windows` are in the order of their entries.
  init(log: AccessLog, trace: DriverTrace, windows: [AccessWindow]) {
    self.log = log
    self.trace = trace
    self.windows = windows
  }

  /// Takes a finding. `entries` are indices in the log, the breach itself first; `events` are
  /// indices in the trace; the sentence is made only for a finding that is kept.
  mutating func add(
    _ kind: SanitizerFinding.Kind, entries: [Int], events: [Int] = [], remarks: [String] = [],
    _ sentence: () -> String
  ) {
    let count = counts[kind, default: 0]
    counts[kind] = count + 1
    let known = entries.compactMap { log.entries.indices.contains($0) ? log.entries[$0] : nil }
    let window = known.isEmpty ? nil : window(of: known[0].n)
    let place = Place(kind: kind, suite: window?.suite, number: window?.number)
    guard places.insert(place).inserted || count < Self.limit else { return }
    let events = events.compactMap {
      trace.entries.indices.contains($0) ? trace.entries[$0] : nil
    }
    findings.append(
      SanitizerFinding(
        kind: kind, suite: window?.suite, caseNumber: window?.number, caseName: window?.name,
        lines: known.map(\.line), sentence: sentence(),
        evidence: known.map { "dma.jsonl:\($0.line): \($0)" }
          + events.map { "driver's trace:\($0.line): \($0)" } + remarks))
  }

  /// Takes a finding about a line that is no entry.
  mutating func add(wrongLine: Int, _ sentence: String) {
    let count = counts[.logDamaged, default: 0]
    counts[.logDamaged] = count + 1
    guard count < Self.limit else { return }
    findings.append(
      SanitizerFinding(
        kind: .logDamaged, caseNumber: nil, caseName: nil, lines: [wrongLine], sentence: sentence,
        evidence: []))
  }

  /// Counts findings that are not kept.
  mutating func add(_ kind: SanitizerFinding.Kind, uncounted count: Int) {
    if count > 0 { counts[kind, default: 0] += count }
  }

  /// The findings in the order of the log; those without a line come last.
  var ordered: [SanitizerFinding] {
    findings.enumerated().sorted {
      ($0.element.lines.first ?? .max, $0.offset) < ($1.element.lines.first ?? .max, $1.offset)
    }.map(\.element)
  }

  private func window(of n: UInt64) -> AccessWindow? {
    windows.last { $0.entries.contains(n) }
  }
}

extension AccessLog.Entry: CustomStringConvertible {
  /// The entry as a short text.
  public var description: String {
    let space = addressSpace == AccessLog.noAddressSpace ? "" : " as=\(addressSpace)"
    return "n=\(n) ns=\(ns)\(space) \(event)"
  }
}

extension AccessLog.Event: CustomStringConvertible {
  /// The event in the words of the log.
  public var description: String {
    switch self {
    case .access(let access):
      "\(access.isWrite ? "write" : "read") fence=\(access.fence) va=\(hex(access.address)) "
        + "bus=\(hex(access.bus)) len=\(access.length) port=\(access.port) gen=\(access.generation)"
    case .invalidation(let revoked):
      "invalidate va=\(hex(revoked.address)) len=\(hex(revoked.length)) "
        + "gen=\(revoked.generation) index=\(revoked.index)"
    case .bind: "bind"
    case .unbind: "unbind"
    case .fault(let fault):
      "fault seq=\(fault.sequence) va=\(hex(fault.address)) len=\(hex(fault.length)) "
        + "access=\(fault.purpose) fence=\(fault.fence)"
    case .reply(let sequence, let error): "reply seq=\(sequence) error=\(error)"
    case .fence(let fence, let status, _): "fence fence=\(fence) status=\(status)"
    case .reset: "reset"
    case .error(let code): "error error=\(code)"
    }
  }
}

extension DriverTrace.Entry: CustomStringConvertible {
  /// The entry in the words of the tracepoint.
  public var description: String {
    let space = "as=\(addressSpace)"
    return switch event {
    case .bind: "ivgpu_bind: \(space)"
    case .unbind(let error, let index):
      "ivgpu_unbind: \(space) error=\(error) control=\(index)"
    case .map(let map):
      "ivgpu_map: \(space) va=\(hex(map.address)) pages=\(map.pages) frame=\(hex(map.frame)) "
        + "generation=\(map.generation) source=\(map.source) writable=\(map.isWritable ? 1 : 0)"
    case .invalidation(let revoked):
      "ivgpu_invalidate: \(space) va=\(hex(revoked.address)) length=\(hex(revoked.length)) "
        + "generation=\(revoked.generation) control=\(revoked.index)"
    case .fault(let sequence, let address, let error):
      "ivgpu_fault: \(space) sequence=\(sequence) va=\(hex(address)) error=\(error)"
    case .submit(let fence, let opcode): "ivgpu_submit: \(space) fence=\(fence) opcode=\(opcode)"
    case .complete(let fence, let status):
      "ivgpu_complete: \(space) fence=\(fence) status=\(status)"
    case .unmap(let unmap):
      "ivgpu_unmap: \(space) va=\(hex(unmap.address)) pages=\(unmap.pages) tail=\(unmap.tail)"
    case .reset: "ivgpu_reset"
    case .die: "ivgpu_die"
    }
  }
}

/// An address as it is written.
func hex(_ number: UInt64) -> String { "0x" + String(number, radix: 16) }
