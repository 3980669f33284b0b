// SPDX-License-Identifier: Apache-2.0

import Foundation
import SystemPackage
import Testing

@testable import Artifacts

/// A directory that has what a built tree of xfstests has, as far as Crossbar looks.
func makeXfstests() throws -> TemporaryDirectory {
  let directory = try TemporaryDirectory()
  for name in ["check", "common/rc", "ltp/fsstress"] {
    let file = try directory.write(name, "#!/bin/sh\n")
    chmod(file.string, 0o755)
  }
  try directory.write(
    "tests/generic/group.list", "# groups\n001 rw auto quick\n002 auto\n013 other\n")
  try directory.write("tests/xfs/group.list", "004 auto quick\n")
  return directory
}

@Suite struct XfstestsTreeTests {
  @Test(arguments: ["check", "ltp/fsstress", "tests/generic/group.list"])
  func whatIsNoBuiltTreeIsRefused(missing: String) throws {
    let directory = try makeXfstests()
    try HostFiles.remove(directory.path.appending(missing))
    let error = #expect(throws: ArtifactError.self) { try XfstestsTree(directory.path) }
    #expect(error?.kind == .input)
    #expect(error?.message.contains(missing) == true)
    #expect(error?.mend.isEmpty == false)
  }

  @Test func aDirectoryThatIsNotThereIsRefused() {
    let error = #expect(throws: ArtifactError.self) { try XfstestsTree("/nonexistent") }
    #expect(error?.kind == .input)
  }

  @Test func testsAreChosenByPatternAndByGroup() throws {
    let directory = try makeXfstests()
    let tree = try XfstestsTree(directory.path)
    #expect(tree.tests(for: .xfs, choice: []) == ["generic/001", "xfs/004"])
    #expect(tree.tests(for: .ext4, choice: []) == ["generic/001"])
    #expect(tree.tests(for: .ext4, choice: ["auto"]) == ["generic/001", "generic/002"])
    #expect(tree.tests(for: .ext4, choice: ["generic/00?"]) == ["generic/001", "generic/002"])
    #expect(tree.tests(for: .ext4, choice: ["generic/013", "xfs/*"]) == ["generic/013"])
    #expect(tree.tests(for: .ext4, choice: ["xfstests.generic/001.ext4"]) == ["generic/001"])
    #expect(tree.tests(for: .xfs, choice: ["xfstests.generic/001.ext4"]).isEmpty)
  }

  @Test func theGuestGetsFilesAndLinksButNoObjectsAndNoHistory() throws {
    let directory = try makeXfstests()
    for name in [".git/config", "src/a.o", "src/.libs/b"] { try directory.write(name, "x") }
    symlink("check", directory.path.appending("link").string)
    let entries = try XfstestsTree(directory.path).tree.entries()
    let names = entries.map(\.path)
    #expect(names.contains("src/.libs/b") && names.contains("common/rc"))
    #expect(!names.contains { $0.hasPrefix(".git") || $0.hasSuffix(".o") })
    #expect(entries.first { $0.path == "link" }?.target == "check")
    #expect(names == names.sorted())
  }
}
