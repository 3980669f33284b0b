// SPDX-License-Identifier: Apache-2.0

import Foundation
import SystemPackage
import Topology

/// A user's built tree of xfstests.
public struct XfstestsTree: Sendable {
  /// Where it lies in the guest.
  public static let guestPath = "/xfstests"
  /// The group of tests that is run when none are asked for.
  static let standardGroup = "quick"

  /// Its directory, an absolute path.
  public let directory: FilePath

  /// Looks at a directory and refuses what is no built tree.
  ///
  /// - Throws: `ArtifactError` of kind `input` that says what is missing.
  public init(_ directory: FilePath) throws(ArtifactError) {
    self.directory = HostFiles.absolute(directory)
    guard HostFiles.isDirectory(directory) else {
      throw ArtifactError(
        .input, "\(directory) is no directory", mend: "name the top directory of built xfstests")
    }
    for name in ["check", "common/rc", "tests"]
    where !HostFiles.exists(directory.appending(name)) {
      throw ArtifactError(
        .input, "\(directory) is no tree of xfstests: it has no `\(name)`",
        mend: "name the directory that has xfstests' `check`")
    }
    guard HostFiles.isExecutable(directory.appending("ltp/fsstress")),
      HostFiles.exists(directory.appending("tests/generic/group.list"))
    else {
      throw ArtifactError(
        .input,
        "\(directory) is not built: ltp/fsstress or tests/generic/group.list is missing",
        mend: "run `make` there")
    }
  }

  /// The directory as a guest gets it.
  public var tree: HostTree { HostTree(guest: XfstestsTree.guestPath, host: directory) }

  /// The tests for a file system, such as `generic/001`.
  ///
  /// - Parameter choice: each the pattern of a test's name, or the name of a group; none for those
  ///   of the group `quick`.
  public func tests(for fileSystem: FileSystem, choice: [String]) -> [String] {
    let choice = choice.isEmpty ? [XfstestsTree.standardGroup] : choice
    return ["generic", fileSystem.rawValue].flatMap { kind in
      tests(of: kind).filter { test in
        choice.contains { word in
          test.groups.contains(word) || XfstestsTree.matches(word, test.name)
            || XfstestsTree.matches(word, "xfstests.\(test.name).\(fileSystem.rawValue)")
        }
      }.map(\.name)
    }
  }

  private func tests(of kind: String) -> [(name: String, groups: Set<String>)] {
    let list = directory.appending("tests/\(kind)/group.list")
    let text = (try? HostFiles.text(list)) ?? ""
    return text.split(separator: "\n").compactMap { line in
      let words = line.prefix { $0 != "#" }.split(separator: " ")
      guard let number = words.first, number.allSatisfy(\.isNumber) else { return nil }
      return ("\(kind)/\(number)", Set(words.dropFirst().map(String.init)))
    }
  }

  private static func matches(_ pattern: String, _ name: String) -> Bool {
    fnmatch(pattern, name, 0) == 0
  }
}
