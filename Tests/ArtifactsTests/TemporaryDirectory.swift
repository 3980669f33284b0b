// SPDX-License-Identifier: Apache-2.0

import Foundation
import SystemPackage

@testable import Artifacts

/// A directory that goes when the value does.
final class TemporaryDirectory: Sendable {
  let path: FilePath

  init() throws {
    path = FilePath(NSTemporaryDirectory()).appending("crossbar-test-\(UUID().uuidString)")
    try HostFiles.makeDirectory(path)
  }

  deinit {
    try? HostFiles.remove(path)
  }

  /// Writes a file below the directory, with the directories above it.
  @discardableResult
  func write(_ relative: String, _ text: String) throws -> FilePath {
    try write(relative, Array(text.utf8))
  }

  @discardableResult
  func write(_ relative: String, _ bytes: [UInt8]) throws -> FilePath {
    let file = path.appending(relative)
    try HostFiles.makeDirectory(file.removingLastComponent())
    try HostFiles.write(bytes, to: file)
    return file
  }
}

/// The project that these tests belong to.
let project = ProjectFiles(
  root: FilePath(#filePath).removingLastComponent().removingLastComponent().removingLastComponent())
