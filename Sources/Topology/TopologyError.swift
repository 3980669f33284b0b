// SPDX-License-Identifier: Apache-2.0

/// Why a topology can't be used, where it says so, and how to mend it.
public struct TopologyError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The file as it was named, nil when no file is to blame.
  public var file: String?
  /// The line, counted from 1; nil when the whole file is meant.
  public var line: Int?
  /// The column, counted from 1.
  public var column: Int?
  /// What is wrong.
  public var message: String
  /// What to do about it.
  public var mend: String

  /// Makes an error.
  public init(
    file: String? = nil, line: Int? = nil, column: Int? = nil, message: String, mend: String
  ) {
    self.file = file
    self.line = line
    self.column = column
    self.message = message
    self.mend = mend
  }

  /// `FILE:LINE: what is wrong; how to mend it`.
  public var description: String {
    var place = ""
    if let file {
      place = file + ":"
      if let line { place += "\(line):" }
      place += " "
    }
    return "\(place)\(message); \(mend)"
  }
}
