// SPDX-License-Identifier: Apache-2.0

import Rainbow

/// Colours for a terminal, or none.
///
/// Rainbow knows the codes; whether to use them is the caller's decision, since only the caller knows
/// which stream the text goes to.
struct Ink: Sendable {
  /// What a text means, which is what its colour says.
  enum Meaning {
    case good
    case bad
    case warning
    case strong
    case faint
  }

  let isOn: Bool

  func callAsFunction(_ meaning: Meaning, _ text: String) -> String {
    guard isOn, !text.isEmpty else { return text }
    let codes: [UInt8] =
      switch meaning {
      case .good: NamedColor.green.value
      case .bad: Style.bold.value + NamedColor.red.value
      case .warning: NamedColor.yellow.value
      case .strong: Style.bold.value
      case .faint: Style.dim.value
      }
    let parameters = codes.map { "\($0)" }.joined(separator: ";")
    return "\u{1B}[\(parameters)m\(text)\u{1B}[0m"
  }
}
