// SPDX-License-Identifier: Apache-2.0

/// Why a configuration space dump can't be read.
public struct PCIDumpError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The file, nil if the text came from elsewhere.
  public var file: String?
  /// The line, counted from 1; nil if the whole dump is meant.
  public var line: Int?
  /// What is wrong.
  public var message: String

  /// Makes an error.
  public init(file: String? = nil, line: Int? = nil, message: String) {
    self.file = file
    self.line = line
    self.message = message
  }

  /// A sentence with the place and the mend.
  public var description: String {
    let place = (file ?? "PCI dump") + (line.map { ":\($0)" } ?? "")
    return "\(place): \(message); the dump must be what pcidump or `lspci -xxxx` prints"
  }
}
