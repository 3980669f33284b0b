// SPDX-License-Identifier: Apache-2.0

/// What one line of a guest program's standard output says: KTAP 1, and `# xbar {json}` lines
/// (protocol `crossbar.program/1`).
///
/// Every field has been bounded by the parser; see ``ProtocolBounds``.
public enum ProgramEvent: Hashable, Sendable {
  /// How many cases there will be; said twice, in KTAP and in JSON.
  case plan(cases: Int)
  /// A case begins.
  case begin(CaseHeader)
  /// Peer memory can be looked at now.
  case inspect(Inspection)
  /// What a case has the peer GPU do begins or ends; the program waits.
  case gpu(GPUEdge)
  /// The device is to misbehave from now on; the program waits.
  case inject(InjectionRequest)
  /// What was written is durable.
  case acknowledgment(Acknowledgment)
  /// A phase has ended.
  case phase(PhaseReport)
  /// `ok N NAME` and its kin.
  case result(CaseVerdictLine)
  /// A file is left on a disk.
  case file(FileReport)
  /// Any other line: for the log only.
  case other(String)

  /// Reads a line, without its end.
  ///
  /// - Throws: `ProtocolViolation.malformed` when the line is meant to be one of the above and is not.
  public init(line: String) throws(ProtocolViolation) {
    guard line.utf8.count <= ProtocolBounds.line else {
      throw .malformed("a line of \(line.utf8.count) bytes is too long")
    }
    if line.hasPrefix("# xbar ") {
      self = try ProgramEventDecoder.decode(line.dropFirst(7))
    } else if line.hasPrefix("1..") {
      guard let count = Int(line.dropFirst(3).prefix { $0 != " " }),
        (0...ProtocolBounds.cases).contains(count)
      else { throw .malformed("the plan `\(line.prefix(40))` has no number of cases") }
      self = .plan(cases: count)
    } else if line.hasPrefix("ok ") || line.hasPrefix("not ok ") {
      guard let result = CaseVerdictLine(line) else {
        throw .malformed("the result `\(line.prefix(40))` has no number of a case")
      }
      self = .result(result)
    } else {
      self = .other(String(line.prefix(ProtocolBounds.diagnostic)))
    }
  }
}
