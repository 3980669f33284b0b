// SPDX-License-Identifier: Apache-2.0

import Mustache

/// Escapes for HTML, scalar by scalar.
///
/// Mustache's own escaping goes by characters, and a quotation mark with a combining mark behind it is
/// another character: a hostile guest could end an attribute with it.
struct HTMLEscaping: MustacheContentType {
  /// What a template says to be escaped by this: `{{% CONTENT_TYPE:CROSSBAR}}`.
  static let name = "CROSSBAR"

  /// Makes the name known, once.
  static let registered: Void = MustacheContentTypes.register(HTMLEscaping(), named: name)

  func escapeText(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "&": result += "&amp;"
      case "\"": result += "&quot;"
      case "'": result += "&#39;"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }
}
