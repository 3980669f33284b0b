// SPDX-License-Identifier: Apache-2.0

/// What a program that others wrote did in a case: the case's verdict is that program's own.
public struct ForeignActivity: Sendable, Hashable, Codable {
  /// Its name, such as `stress-ng`.
  public var program: String
  /// The file system that it worked on; nil for none.
  public var fileSystem: String?
  /// Seconds that it took.
  public var seconds: Double

  /// Names a program.
  public init(program: String, fileSystem: String? = nil, seconds: Double = 0) {
    self.program = program
    self.fileSystem = fileSystem
    self.seconds = seconds
  }
}
