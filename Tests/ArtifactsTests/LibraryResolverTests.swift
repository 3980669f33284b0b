// SPDX-License-Identifier: Apache-2.0

import SystemPackage
import Testing

@testable import Artifacts

@Suite struct LibraryResolverTests {
  let directory: TemporaryDirectory

  init() throws {
    directory = try TemporaryDirectory()
  }

  private func resolver() -> LibraryResolver {
    LibraryResolver(directories: [directory.path.appending("lib")])
  }

  @Test func findsWhatALibraryNeedsInTurn() throws {
    let program = try directory.write(
      "bin/p", SyntheticELF.make(interpreter: "/lib64/ld.so", needed: ["liba.so"]))
    try directory.write("lib/liba.so", SyntheticELF.make(needed: ["libb.so"]))
    try directory.write("lib/libb.so", SyntheticELF.make(needed: ["liba.so"]))
    let needs = try resolver().needs(of: [program])
    #expect(needs.interpreters == ["/lib64/ld.so"])
    #expect(Set(needs.libraries.map(\.name)) == ["liba.so", "libb.so"])
    #expect(needs.libraries.allSatisfy { $0.directory == nil })
  }

  @Test func runPathComesFirstAndKeepsItsPlace() throws {
    let program = try directory.write(
      "bin/p", SyntheticELF.make(needed: ["liba.so"], runPath: "$ORIGIN/../private"))
    try directory.write("lib/liba.so", SyntheticELF.make())
    try directory.write("private/liba.so", SyntheticELF.make())
    let library = try #require(try resolver().needs(of: [program]).libraries.first)
    #expect(library.path == directory.path.appending("private/liba.so"))
    #expect(library.directory == directory.path.appending("private"))
  }

  @Test func missingLibraryIsNamedWithItsProgram() throws {
    let program = try directory.write("bin/p", SyntheticELF.make(needed: ["libgone.so"]))
    let error = #expect(throws: ArtifactError.self) { try resolver().needs(of: [program]) }
    #expect(error?.kind == .missingTool)
    #expect(error?.message.contains("libgone.so") == true)
    #expect(error?.message.contains("bin/p") == true)
  }

  @Test func passesOverAFileThatIsNoLibrary() throws {
    let program = try directory.write("bin/p", SyntheticELF.make(needed: ["liba.so"]))
    // A linker script, as libc.so is one.
    try directory.write("first/liba.so", "GROUP ( /lib/liba.so.1 )")
    try directory.write("second/liba.so", SyntheticELF.make())
    let resolver = LibraryResolver(directories: [
      directory.path.appending("first"), directory.path.appending("second"),
    ])
    let library = try #require(try resolver.needs(of: [program]).libraries.first)
    #expect(library.path == directory.path.appending("second/liba.so"))
  }

  @Test func scriptsNeedNothing() throws {
    let script = try directory.write("bin/s", "#!/bin/sh\n")
    #expect(try resolver().needs(of: [script]).libraries.isEmpty)
  }
}
