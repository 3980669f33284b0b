// SPDX-License-Identifier: Apache-2.0

import Foundation
import SystemPackage
import Testing

@testable import Artifacts

/// The way of a series into a git repository and back.
@Suite struct KernelSeriesTests {
  let kernel: FakeKernel
  let recorder = ProgressRecorder()
  let work: FilePath
  let shell: GitShell

  init() async throws {
    kernel = try await FakeKernel()
    work = kernel.directory.path.appending("work")
    shell = try GitShell(directory: work)
  }

  private var series: KernelSeries { kernel.series }

  // MARK: - Edit

  @Test func everyPatchBecomesACommitOfItsAuthorWithItsFiles() async throws {
    let edited = try await series.edit(work, progress: recorder.handler)
    #expect(edited.version == "7.2.13")
    #expect(edited.patches == FakeMail.series.map(\.name))
    let log = try await shell.git("log", "--reverse", "--format=%an <%ae>|%ai|%s", "base..")
    let author = "Ada Lovelace <ada@example.org>|2026-11-21 04:40:43 +0100|"
    #expect(
      log == [
        author + "drivers: new: add a driver", author + "linux: add map.h",
        author + "init: hook it in",
      ])
    let names = try await shell.git("show", "--name-status", "--format=", "HEAD~2")
    #expect(names == ["M\tKconfig", "A\tdrivers/new/Kconfig", "A\tdrivers/new/new.h"])
    let body = try await shell.git("show", "--no-patch", "--format=%b", "HEAD")
    #expect(
      body.filter { !$0.isEmpty } == [
        "Every kernel begins there.", "The line comes second.",
        "Signed-off-by: Ada Lovelace <ada@example.org>",
      ])
    #expect(recorder.fractions == recorder.fractions.sorted())
    #expect(recorder.fractions.last == 1)
  }

  @Test func theTreeIsWhatABuildWouldMakeAndIsClean() async throws {
    _ = try await series.edit(work)
    #expect(try HostFiles.text(work.appending("Kconfig")).contains("source drivers/new/Kconfig"))
    #expect(try HostFiles.text(work.appending("drivers/new/new.h")) == "#define NEW 1\n")
    #expect(try HostFiles.text(work.appending("init/main.c")) == "start\nmap\nmiddle\nend\n")
    #expect(try await shell.git("status", "--porcelain") == [])
    #expect(try await shell.git("rev-parse", "--abbrev-ref", "HEAD") == ["series"])
    // The source has a file that its own .gitignore ignores, and no file of the cache's.
    let files = try await shell.git("ls-tree", "-r", "--name-only", "base")
    #expect(files.contains("tools/ignored.o"))
    #expect(!files.contains(EntryManifest.fileName))
    #expect(!HostFiles.exists(work.appending("useless")))
  }

  @Test func theSameSeriesGivesTheSameCommits() async throws {
    _ = try await series.edit(work)
    let other = kernel.directory.path.appending("other")
    _ = try await series.edit(other)
    let one = try await shell.git("rev-parse", "HEAD")
    #expect(try await GitShell(directory: other).git("rev-parse", "HEAD") == one)
  }

  @Test func whatIsWorkedOnIsNotSharedWithTheCache() async throws {
    _ = try await series.edit(work)
    try kernel.directory.write("work/init/main.c", "scribble\n")
    let pristine = try await kernel.artifact().sourceTree()
    #expect(try HostFiles.text(pristine.appending("init/main.c")) == "start\nmiddle\nend\n")
  }

  @Test func anEmptyDirectoryWillDoAndAFullOneStaysAsItIs() async throws {
    try HostFiles.makeDirectory(work)
    _ = try await series.edit(work)
    let before = HostFiles.regularFiles(below: work)
    let error = await #expect(throws: ArtifactError.self) { try await series.edit(work) }
    #expect(error?.kind == .input)
    #expect(HostFiles.regularFiles(below: work) == before)
  }

  @Test func aPatchThatDoesNotApplyLeavesNothingBehind() async throws {
    try kernel.edit("project/patches/0003-init-hook-it-in.patch", " middle", " muddle")
    let error = await #expect(throws: ArtifactError.self) { try await series.edit(work) }
    #expect(error?.mend.contains("patches/0003-init-hook-it-in.patch does not apply") == true)
    #expect(!HostFiles.exists(work))
  }

  @Test func aPatchThatIsNoMailIsRefused() async throws {
    try kernel.edit("project/patches/0003-init-hook-it-in.patch", "From: Ada", "Fron: Ada")
    let error = await #expect(throws: ArtifactError.self) { try await series.edit(work) }
    #expect(error?.kind == .input)
    #expect(error?.message.contains("patches/0003-init-hook-it-in.patch is no mail") == true)
  }

  @Test func aNewFileThatTheKernelHasIsRefused() async throws {
    try kernel.directory.write("project/files/init/main.c", "other\n")
    try kernel.edit("project/patches/series", "in.patch\n", "in.patch init/main.c\n")
    let error = await #expect(throws: ArtifactError.self) { try await series.edit(work) }
    #expect(error?.message == "init/main.c is no new file: the kernel has it already")
  }

  // MARK: - Export

  @Test func nothingChangesWithoutAChange() async throws {
    let before = try kernel.projectFiles()
    _ = try await series.edit(work)
    let exported = try await series.export(work, progress: recorder.handler)
    #expect(exported.patches == FakeMail.series.map(\.name))
    #expect(exported.written.isEmpty)
    #expect(exported.removed.isEmpty)
    #expect(try kernel.projectFiles() == before)
    #expect(recorder.fractions.last == 1)
    // Twice, and nothing is left in the repository.
    #expect(try await series.export(work) == exported)
    #expect(!HostFiles.names(in: work.appending(".git")).contains { $0.hasPrefix("crossbar") })
  }

  @Test func patchesAreWrittenAsTheyAreMailed() async throws {
    // Without digests that no file has, a patch is the same to the letter.
    _ = try await series.edit(work)
    try kernel.directory.write("work/init/main.c", "start\nmap\nmap\nmiddle\nend\n")
    try await shell.git("commit", "--all", "--amend", "--no-edit")
    let exported = try await series.export(work)
    #expect(exported.written == ["patches/0003-init-hook-it-in.patch"])
    let text = try HostFiles.text(
      kernel.directory.path.appending("project/patches/0003-init-hook-it-in.patch"))
    let expected = FakeMail.series[2].text
      .replacingOccurrences(of: "main.c | 1 +", with: "main.c | 2 ++")
      .replacingOccurrences(of: "1 insertion(", with: "2 insertions(")
      .replacingOccurrences(of: "-1,3 +1,4", with: "-1,3 +1,5")
      .replacingOccurrences(of: "+map\n", with: "+map\n+map\n")
    #expect(
      SeriesWriter.withoutDigests(Array(text.utf8))
        == SeriesWriter.withoutDigests(Array(expected.utf8)))
    #expect(!text.contains("1111"))
  }

  @Test func aNewCommitBringsAPatchAndFilesAndTheSeriesKeepsItsComments() async throws {
    _ = try await series.edit(work)
    try kernel.directory.write("work/mm/map.c", "int map(void)\n{\n\treturn 0;\n}\n")
    try kernel.directory.write("work/mm/tests/t.c", "\n")
    let script = try kernel.directory.write("work/tools/map.sh", "#!/bin/sh\n")
    chmod(script.string, 0o755)
    try kernel.directory.write("work/init/main.c", "start\nmap\nmiddle\nend\nmore\n")
    try await shell.git("add", "--all")
    try await shell.git("commit", "--message", "mm: add map\n\nOf pages.")
    try await shell.git("rebase", "--onto", "HEAD~2", "HEAD~1")
    let exported = try await series.export(work)
    #expect(
      exported.written
        == [
          "files/mm/map.c", "files/mm/tests/t.c", "files/tools/map.sh",
          "patches/0003-mm-add-map.patch",
          "patches/series",
        ].sorted())
    #expect(exported.removed == ["patches/0003-init-hook-it-in.patch"])
    let root = kernel.directory.path.appending("project")
    #expect(
      try HostFiles.text(root.appending("patches/series")) == """
        # The series.
        0001-drivers-new-add-a-driver.patch drivers/new

        # Only a header.
        0002-linux-add-map.h.patch include/linux/map.h
        0003-mm-add-map.patch mm tools/map.sh

        """)
    #expect(HostFiles.isExecutable(root.appending("files/tools/map.sh")))
    let patch = try HostFiles.text(root.appending("patches/0003-mm-add-map.patch"))
    #expect(patch.contains("Subject: [PATCH] mm: add map\n"))
    #expect(patch.contains(" init/main.c | 1 +\n 1 file changed"))
    #expect(!patch.contains("map.c"))
    // What was written makes the same tree, and is exported to itself.
    let head = try await shell.git("rev-parse", "HEAD^{tree}")
    let other = kernel.directory.path.appending("other")
    _ = try await series.edit(other)
    #expect(try await GitShell(directory: other).git("rev-parse", "HEAD^{tree}") == head)
    #expect(try await series.export(other).written.isEmpty)
  }

  @Test func aCommitThatIsGoneTakesPatchFilesAndEmptyDirectoriesAlong() async throws {
    _ = try await series.edit(work)
    try await shell.git("rebase", "--onto", "HEAD~2", "HEAD~1")
    let exported = try await series.export(work)
    #expect(
      exported.removed == [
        "files/include/linux/map.h", "patches/0002-linux-add-map.h.patch",
        "patches/0003-init-hook-it-in.patch",
      ])
    #expect(exported.written == ["patches/0002-init-hook-it-in.patch", "patches/series"])
    #expect(!HostFiles.exists(kernel.directory.path.appending("project/files/include")))
    _ = try await kernel.artifact().resolve()
  }

  @Test func aNewFileThatLiesElsewhereIsWrittenThere() async throws {
    _ = try await series.edit(work)
    try kernel.directory.write("work/drivers/new/new.h", "#define NEW 2\n")
    try await shell.git("commit", "--all", "--fixup", "HEAD~2")
    try await shell.git("-c", "sequence.editor=:", "rebase", "-i", "--autosquash", "base")
    #expect(try await series.export(work).written == ["abi/new.h"])
    #expect(
      try HostFiles.text(kernel.directory.path.appending("project/abi/new.h")) == "#define NEW 2\n")
  }

  @Test func mailsOfTheWholeSeriesApplyWithGitAm() async throws {
    _ = try await series.edit(work)
    let mails = kernel.directory.path.appending("mails")
    let names = try await shell.git("format-patch", "-o", mails.string, "base..")
    let head = try await shell.git("rev-parse", "HEAD^{tree}")
    try await shell.git("checkout", "--detach", "base")
    try await shell.git(["am", "--empty=keep"] + names)
    #expect(try await shell.git("rev-parse", "HEAD^{tree}") == head)
  }

  @Test func theUsersSettingsChangeNothing() async throws {
    let before = try kernel.projectFiles()
    _ = try await series.edit(work)
    for (name, value) in [
      ("format.signOff", "true"), ("format.thread", "true"), ("format.coverLetter", "true"),
      ("diff.noprefix", "true"), ("diff.context", "1"), ("core.abbrev", "40"),
      ("format.subjectPrefix", "RFC"), ("diff.algorithm", "patience"),
      ("format.headers", "X-Mine: yes"),
    ] {
      try await shell.git("config", name, value)
    }
    #expect(try await series.export(work).written.isEmpty)
    #expect(try kernel.projectFiles() == before)
  }
}
