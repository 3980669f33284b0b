// SPDX-License-Identifier: Apache-2.0

import SystemPackage
import Testing

@testable import Artifacts

@Suite struct ProjectFilesTests {
  let directory: TemporaryDirectory

  init() throws {
    directory = try TemporaryDirectory()
    try directory.write("project/images/kernel/kernel.yaml", "")
    try directory.write("prefix/share/crossbar/images/kernel/kernel.yaml", "")
    try directory.write("elsewhere/file", "")
  }

  private func locate(
    _ environment: [String: String] = [:], executable: String = "/nowhere/bin/crossbar",
    from current: String = "elsewhere"
  ) throws -> String {
    try ProjectFiles.locate(
      environment: environment, executable: executable,
      currentDirectory: directory.path.appending(current).string
    ).root.string
  }

  @Test func environmentComesFirst() throws {
    let home = directory.path.appending("project").string
    #expect(try locate(["CROSSBAR_HOME": home]) == home)
    #expect(throws: ArtifactError.self) { try locate(["CROSSBAR_HOME": "/nowhere"]) }
  }

  @Test func installedProgramHasItsFilesBesideIt() throws {
    let program = directory.path.appending("prefix/bin/crossbar").string
    #expect(try locate(executable: program).hasSuffix("/prefix/share/crossbar"))
  }

  @Test func sourceTreeIsFoundUpwards() throws {
    #expect(try locate(from: "project/images/kernel").hasSuffix("/project"))
    let program = directory.path.appending("project/.build/debug/crossbar").string
    #expect(try locate(executable: program).hasSuffix("/project"))
  }

  @Test func nothingFoundSaysWhereItLooked() {
    let error = #expect(throws: ArtifactError.self) { try locate() }
    #expect(error?.message.contains("elsewhere") == true)
    #expect(error?.mend.contains("CROSSBAR_HOME") == true)
  }
}
