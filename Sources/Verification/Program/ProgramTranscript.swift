// SPDX-License-Identifier: Apache-2.0

/// Follows a guest program line by line and holds it to the protocol.
///
/// Nothing that a guest says makes it fail: what is wrong becomes a ``ProtocolViolation``.
public struct ProgramTranscript: Sendable {
  /// All that a program said.
  public struct Testimony: Hashable, Sendable {
    /// Number of planned cases; nil when the program never said.
    public internal(set) var planned: Int?
    /// The cases that began, in their order.
    public internal(set) var cases: [CaseObservation] = []
    /// Files left on the disks.
    public internal(set) var files: [FileReport] = []
    /// Where the program did not keep to the protocol, outside of any case.
    public internal(set) var violations: [ProtocolViolation] = []
    /// The last diagnostic lines.
    public internal(set) var diagnostics: [String] = []
  }

  private var testimony = Testimony()
  private var line = 0
  private var inspections = 0
  private var violations = 0
  private var underWay = false

  /// A program that has said nothing yet.
  public init() {}

  /// The case under way, for progress.
  public var current: CaseHeader? { underWay ? testimony.cases.last?.header : nil }

  /// Cases that have a result.
  public var finishedCases: Int { testimony.cases.count - (underWay ? 1 : 0) }

  /// Number of planned cases.
  public var plannedCases: Int? { testimony.planned }

  /// Takes the next line, without its end, and returns what it says when that is acceptable: of an
  /// event that breaks the protocol nothing is to be done.
  @discardableResult
  public mutating func take(_ text: String) -> ProgramEvent? {
    line &+= 1
    do {
      let event = try ProgramEvent(line: text)
      return take(event) ? event : nil
    } catch {
      if case .malformed(let reason) = error {
        violate(.malformedLine(line: line, reason: reason))
      } else {
        violate(error)
      }
      return nil
    }
  }

  /// Records what the host found in the peer's memory for an inspection of the case under way.
  public mutating func note(hostDifference: String, of inspection: Inspection) {
    guard let last = testimony.cases.indices.last, testimony.cases[last].header.n == inspection.n,
      testimony.cases[last].hostDifferences[inspection.phase] == nil
    else { return }
    testimony.cases[last].hostDifferences[inspection.phase] = hostDifference
  }

  /// Records that the case under way breaks the protocol in a way that only the host can tell.
  public mutating func note(violation: String) {
    guard underWay, let last = testimony.cases.indices.last else { return }
    violations += 1
    guard violations <= ProtocolBounds.violations else { return }
    testimony.cases[last].violations.append(ProtocolViolation(violation))
  }

  /// Ends the program: what it said, and what it should have said.
  public func finish() -> Testimony {
    var testimony = testimony
    if let planned = testimony.planned, testimony.cases.count < planned {
      testimony.violations.append(.casesMissing(ran: testimony.cases.count, planned: planned))
    } else if testimony.planned == nil {
      testimony.violations.append(.planMissing)
    }
    return testimony
  }

  private mutating func take(_ event: ProgramEvent) -> Bool {
    switch event {
    case .plan(let count): return plan(count)
    case .begin(let header): return begin(header)
    case .inspect(let inspection): return take(inspection)
    case .gpu(let edge): return take(edge)
    case .inject(let request): return take(request)
    case .acknowledgment(let write): return isUnderWay(write.n, "an acknowledgment")
    case .phase(let report): return take(report)
    case .result(let result): return take(result)
    case .file(let file):
      guard testimony.files.count < ProtocolBounds.files else { return violate(.tooMany("files")) }
      testimony.files.append(file)
      return true
    case .other(let text):
      if text.hasPrefix("Bail out!") {
        return violate(.bailedOut(String(text.dropFirst(9).drop { $0 == " " })))
      }
      note(text)
      return true
    }
  }

  private mutating func note(_ text: String) {
    guard !text.isEmpty else { return }
    if testimony.diagnostics.count >= ProtocolBounds.diagnostics {
      testimony.diagnostics.removeFirst()
    }
    testimony.diagnostics.append(text)
    guard underWay, let last = testimony.cases.indices.last else { return }
    let prefix = "# \(testimony.cases[last].header.name): "
    if text.hasPrefix(prefix) {
      testimony.cases[last].diagnostic = String(text.dropFirst(prefix.count))
    }
  }

  private mutating func plan(_ count: Int) -> Bool {
    if let planned = testimony.planned, planned != count {
      return violate(.planChanged(from: planned, to: count))
    }
    testimony.planned = count
    return true
  }

  private mutating func begin(_ header: CaseHeader) -> Bool {
    guard let planned = testimony.planned else { return violate(.planMissing) }
    guard header.n <= planned else {
      return violate(.numberOutOfPlan(header.n, planned: planned))
    }
    let previous = testimony.cases.last?.header.n ?? 0
    guard header.n > previous else {
      let known = testimony.cases.contains { $0.header.n == header.n }
      return violate(known ? .caseTwice(header.n) : .caseOutOfOrder(header.n, after: previous))
    }
    let unfinished = underWay
    testimony.cases.append(CaseObservation(header: header))
    underWay = true
    inspections = 0
    if unfinished { violate(.caseInsideOfCase(header.n, unfinished: previous)) }
    if header.n != previous + 1 { violate(.caseOutOfOrder(header.n, after: previous)) }
    return true
  }

  private mutating func take(_ inspection: Inspection) -> Bool {
    guard isUnderWay(inspection.n, "an inspection"), let last = testimony.cases.indices.last else {
      return false
    }
    inspections += 1
    if inspections > ProtocolBounds.inspections { return violate(.tooMany("inspections")) }
    for segment in inspection.segments.map(\.segment) {
      switch segment.kind {
      case .cells: break
      case .zeros:
        testimony.cases[last].inspectedZeros[inspection.phase, default: 0] &+= segment.length
      case .byte: continue
      }
      testimony.cases[last].inspected[inspection.phase, default: 0] &+= segment.length
    }
    return true
  }

  private mutating func take(_ edge: GPUEdge) -> Bool {
    guard isUnderWay(edge.n, "the GPU's \(edge.side.rawValue)"),
      let last = testimony.cases.indices.last
    else { return false }
    let gpu = testimony.cases[last].gpu
    switch edge.side {
    case .begin:
      guard gpu == nil, let claim = edge.claim else { return violate(.gpuEdge(edge.n, .begin)) }
      testimony.cases[last].gpu = GPUObservation(claim: claim)
    case .end:
      guard let gpu, gpu.counts == nil else { return violate(.gpuEdge(edge.n, .end)) }
      testimony.cases[last].gpu?.counts = edge.counts
      testimony.cases[last].gpu?.leavesFile = edge.leavesFile
    }
    return true
  }

  private mutating func take(_ request: InjectionRequest) -> Bool {
    guard isUnderWay(request.n, "an injection"), let last = testimony.cases.indices.last else {
      return false
    }
    if (testimony.cases[last].gpu?.injections.count ?? 0) >= ProtocolBounds.injections {
      return violate(.tooMany("injections"))
    }
    testimony.cases[last].gpu?.injections.append(request.switches)
    return true
  }

  private mutating func take(_ report: PhaseReport) -> Bool {
    guard isUnderWay(report.n, "a \(report.phase.rawValue) phase"),
      let last = testimony.cases.indices.last
    else { return false }
    let known = testimony.cases[last].phases
    if known[report.phase] != nil { return violate(.phaseTwice(report.n, report.phase)) }
    testimony.cases[last].phases[report.phase] = report
    if report.phase == .direct, known[.fallback] != nil {
      violate(.phaseOutOfOrder(report.n, .direct))
    }
    if report.claim != (report.phase == .direct ? .peer : .memory) {
      violate(.wrongClaim(report.n, report.phase, report.claim))
    }
    if report.errno != 0, report.phase == .direct, !report.transfers.isEmpty {
      violate(.refusedWithTransfers(report.n))
    }
    return true
  }

  private mutating func take(_ result: CaseVerdictLine) -> Bool {
    guard isUnderWay(result.n, "a result"), let last = testimony.cases.indices.last else {
      return false
    }
    underWay = false
    testimony.cases[last].result = result
    let observation = testimony.cases[last]
    if observation.header.name != result.name {
      violate(.nameDiffers(result.n, case: observation.header.name, result: result.name))
    }
    if result.status == .passed { complete(result.n, observation) }
    return true
  }

  /// Of a case that passed everything must have been seen.
  private mutating func complete(_ n: Int, _ observation: CaseObservation) {
    if observation.header.op == .gpu {
      if observation.gpu?.counts == nil { violate(.gpuEdge(n, .end)) }
      return
    }
    for phase in Phase.allCases where observation.phases[phase] == nil {
      violate(.phaseMissing(n, phase))
    }
  }

  private mutating func isUnderWay(_ n: Int, _ what: String) -> Bool {
    if underWay, testimony.cases.last?.header.n == n { return true }
    return violate(.notUnderWay(what: what, n))
  }

  /// Keeps the violation, with its case if it belongs to one that began. Always false.
  @discardableResult
  private mutating func violate(_ violation: ProtocolViolation) -> Bool {
    violations += 1
    guard violations <= ProtocolBounds.violations else {
      if violations == ProtocolBounds.violations + 1 {
        testimony.violations.append(.tooMany("protocol violations"))
      }
      return false
    }
    if let n = violation.number,
      let index = testimony.cases.lastIndex(where: { $0.header.n == n })
    {
      testimony.cases[index].violations.append(violation)
    } else {
      testimony.violations.append(violation)
    }
    return false
  }
}
