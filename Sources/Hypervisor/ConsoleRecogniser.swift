// SPDX-License-Identifier: Apache-2.0

/// Recognises kernel trouble in lines of a console. A pure value: the same lines give the same
/// findings.
///
/// The guest is hostile, so a line may hold anything; it is only ever searched, never interpreted.
struct ConsoleRecogniser {
  /// Longest text that a finding keeps, in characters.
  static let longestText = 400

  /// Marks and their kinds. The first one that fits decides, so the specific precede the general:
  /// KASAN and lockdep reports also start with `BUG:` or follow a `WARNING:`.
  private static let marks: [(mark: String, kind: ConsoleFinding.Kind)] = [
    ("Kernel panic - not syncing", .panic),
    ("BUG: KASAN:", .kasan),
    ("BUG: KFENCE:", .kasan),
    ("UBSAN: ", .ubsan),
    ("possible circular locking dependency", .lockdep),
    ("possible recursive locking", .lockdep),
    ("inconsistent lock state", .lockdep),
    ("possible irq lock inversion", .lockdep),
    ("lock order detected", .lockdep),
    ("suspicious RCU usage", .lockdep),
    ("suspicious rcu_dereference", .lockdep),
    ("Invalid wait context", .lockdep),
    ("bad unlock balance detected", .lockdep),
    ("held lock freed", .lockdep),
    ("lock held when returning to user space", .lockdep),
    ("BUG: sleeping function called from invalid context", .lockdep),
    ("BUG: scheduling while atomic", .lockdep),
    ("soft lockup", .stall),
    ("hard LOCKUP", .stall),
    ("Watchdog detected hard", .stall),
    ("detected stall", .stall),
    ("self-detected stall", .stall),
    ("rcu_preempt kthread starved", .stall),
    ("blocked for more than", .hungTask),
    ("Out of memory: Kill", .outOfMemory),
    ("invoked oom-killer", .outOfMemory),
    ("kernel BUG at ", .bug),
    ("BUG: ", .bug),
    ("Oops: ", .bug),
    ("Internal error: ", .bug),
    ("general protection fault", .bug),
    ("unable to handle page fault", .bug),
    ("WARNING: ", .warning),
  ]

  private var line = 0

  /// How many lines were seen.
  var lines: Int { line }

  /// Looks at the next line of the console.
  mutating func next(_ raw: String) -> ConsoleFinding? {
    line += 1
    guard let kind = Self.kind(of: raw) else { return nil }
    return ConsoleFinding(kind: kind, line: line, text: Self.text(of: raw))
  }

  /// What a line says, if it says trouble.
  static func kind(of line: String) -> ConsoleFinding.Kind? {
    if line.contains("DMAR: "), isFault(line) { return .iommuFault }
    // `---[ end Kernel panic - not syncing: ... ]---` repeats what was said before.
    if line.contains("---[ end ") { return nil }
    return marks.first { line.contains($0.mark) }?.kind
  }

  /// `DMAR: [DMA Write NO_PASID] Request device [02:00.0] fault addr 0x0 [fault reason 0x05] ...`,
  /// not `DMAR: DRHD: handling fault status reg 2`, which goes before it and names nothing.
  private static func isFault(_ line: String) -> Bool {
    line.contains("fault addr") || line.contains("fault reason")
  }

  /// The message without `[   12.345678]`, `[ T42]` and control characters.
  static func text(of line: String) -> String {
    var rest = Substring(line.prefix(4 * longestText))
    while rest.first == "[", let end = rest.firstIndex(of: "]") {
      let stamp = rest[rest.index(after: rest.startIndex)..<end]
      guard stamp.allSatisfy({ "0123456789. TC".contains($0) }) else { break }
      rest = rest[rest.index(after: end)...].drop { $0 == " " }
    }
    let printable = rest.unicodeScalars.filter { $0.value >= 0x20 && $0.value != 0x7F }
    var text = String(String.UnicodeScalarView(printable))
    while text.last == " " { text.removeLast() }
    return String(text.prefix(longestText))
  }
}
