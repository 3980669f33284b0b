// SPDX-License-Identifier: Apache-2.0

import Verification

extension CaseOutcome {
  /// The outcome in a few words.
  var words: String {
    switch kind {
    case .verified: "verified"
    case .refusedFellBack: "refused and fell back"
    case .skipped: "skipped"
    case .knownLimit: "\(failure?.rawValue ?? "failure"), a known limit"
    case .failed: failure?.rawValue ?? "failed"
    }
  }

  var mark: String {
    switch kind {
    case .verified, .refusedFellBack: "✓"
    case .skipped: "–"
    case .knownLimit: "!"
    case .failed: "✗"
    }
  }

  var meaning: Ink.Meaning {
    switch kind {
    case .verified, .refusedFellBack: .good
    case .skipped: .faint
    case .knownLimit: .warning
    case .failed: .bad
    }
  }
}

extension RunRecord.Counts {
  /// "3 verified, 1 failed"; kinds that no case has are left out.
  var words: String {
    let parts = [
      (failed, "failed"), (verified, "verified"), (refusedFellBack, "refused and fell back"),
      (knownLimit, knownLimit == 1 ? "known limit" : "known limits"), (skipped, "skipped"),
    ]
    return parts.filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }.joined(separator: ", ")
  }
}

extension GPUActivity {
  /// "64 MiB memory, 4 KiB video": what moved by each DMA port.
  var movedWords: String {
    bytes.sorted { $0.key < $1.key }.filter { $0.value > 0 }
      .map { "\(Figures.bytes($0.value)) \($0.key.printable)" }.joined(separator: ", ")
  }
}

extension MovedBytes {
  /// "64 KiB gpu0, 4 KiB memory".
  var words: String {
    let bars = bar.sorted { $0.key < $1.key }.map { ($0.value, $0.key.printable) }
    let rest = [(memory, "memory"), (untranslated, "untranslated"), (other, "elsewhere")]
    return (bars + rest).filter { $0.0 > 0 }.map { "\(Figures.bytes($0.0)) \($0.1)" }
      .joined(separator: ", ")
  }
}
