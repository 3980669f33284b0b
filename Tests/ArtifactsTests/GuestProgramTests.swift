// SPDX-License-Identifier: Apache-2.0

import SystemPackage
import Testing

@testable import Artifacts

@Suite struct GuestProgramTests {
  let directory: TemporaryDirectory

  init() throws {
    directory = try TemporaryDirectory()
    try directory.write("Sources/CDeviceABI/include/abi.h", "#define ANSWER 42\n")
    try directory.write("images/host-packages.txt", "gcc\t/usr/bin/gcc\tguest programs: compiler\n")
  }

  private func program(_ source: String, name: String = "answer") throws -> GuestProgramArtifact {
    try directory.write("images/guest/programs/answer/main.c", source)
    return GuestProgramArtifact(
      name, project: ProjectFiles(root: directory.path),
      store: ArtifactStore(root: directory.path.appending("cache")))
  }

  @Test func runsWithoutLibrariesAndFollowsItsHeaders() async throws {
    let artifact = try program("#include \"abi.h\"\nint main(void) { return ANSWER; }\n")
    let path = try await artifact.resolve()
    #expect(path.lastComponent?.string == "answer")
    #expect(try await Command(path, []).run().status == 42)
    #expect(try ELFFile(try HostFiles.read(path)).interpreter == nil)
    #expect(try await artifact.resolve() == path)
    try directory.write("Sources/CDeviceABI/include/abi.h", "#define ANSWER 43\n")
    #expect(try await Command(artifact.resolve(), []).run().status == 43)
  }

  @Test func compilersLineIsInTheError() async throws {
    let artifact = try program("int main(void) { int unused; return 0; }\n")
    let error = await #expect(throws: ArtifactError.self) { try await artifact.resolve() }
    #expect(error?.kind == .compilation)
    #expect(error?.message.contains("images/guest/programs/answer/main.c:1:") == true)
    #expect(error?.log != nil)
  }

  @Test func unknownProgramListsTheKnownOnes() async throws {
    let artifact = try program("int main(void) { return 0; }\n", name: "question")
    let error = await #expect(throws: ArtifactError.self) { try await artifact.resolve() }
    #expect(error?.mend.contains("answer") == true)
  }
}
