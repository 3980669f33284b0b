// SPDX-License-Identifier: Apache-2.0

import Foundation
import SystemPackage
import Testing

@testable import Artifacts

/// What an export refuses, with the project left as it is.
@Suite struct SeriesRefusalTests {
  let kernel: FakeKernel
  let work: FilePath
  let shell: GitShell

  init() async throws {
    kernel = try await FakeKernel()
    work = kernel.directory.path.appending("work")
    shell = try GitShell(directory: work)
    _ = try await kernel.series.edit(work)
  }

  /// The refusal of an export, which must not touch the project.
  private func refusal(force: Bool = false) async throws -> String {
    let before = try kernel.projectFiles()
    let error = await #expect(throws: ArtifactError.self) {
      try await kernel.series.export(work, force: force)
    }
    #expect(error?.kind == .input)
    #expect(error?.mend.isEmpty == false)
    #expect(try kernel.projectFiles() == before)
    return error?.description ?? ""
  }

  /// What is installed goes with the next `make install`.
  @Test func theSeriesOfAnInstalledProgram() async throws {
    let share = kernel.directory.path.appending("prefix/share")
    let installed = ProjectFiles(root: share.appending("crossbar"))
    try HostFiles.makeDirectory(share)
    try FileManager.default.copyItem(
      atPath: kernel.project.root.string, toPath: installed.root.string)
    let series = KernelSeries(project: installed, store: kernel.store)
    let error = await #expect(throws: ArtifactError.self) { try await series.export(work) }
    #expect(error?.kind == .input)
    #expect(error?.description.contains("an installed crossbar, in \(installed.root)") == true)
    #expect(installed.isInstalled)
    #expect(!kernel.project.isInstalled)
    try HostFiles.write("", to: installed.path("Package.swift"))
    #expect(!installed.isInstalled)
  }

  @Test func changesThatAreNotCommitted() async throws {
    try kernel.directory.write("work/init/main.c", "start\n")
    #expect(try await refusal().contains("not committed:\n   M init/main.c"))
  }

  @Test func aFileThatGitDoesNotKnow() async throws {
    try kernel.directory.write("work/mm/new.c", "")
    #expect(try await refusal().contains("?? mm/new.c"))
  }

  @Test func aRebaseThatIsUnderWay() async throws {
    try await shell.git(
      "-c", "sequence.editor=sed -i 1s/^pick/edit/", "rebase", "-i", "base")
    #expect(try await refusal().contains("amid a rebase"))
  }

  @Test func aMerge() async throws {
    try await shell.git("branch", "side", "base")
    try await shell.git("checkout", "--quiet", "side")
    try kernel.directory.write("work/mm/side.c", "\n")
    try await shell.git("add", "--all")
    try await shell.git("commit", "--message", "side")
    try await shell.git("checkout", "--quiet", "series")
    try await shell.git("merge", "--quiet", "--no-edit", "side")
    #expect(try await refusal().contains("the series has a merge"))
  }

  @Test func anotherHistory() async throws {
    try await shell.git("checkout", "--quiet", "--orphan", "alien")
    try await shell.git("commit", "--message", "alien")
    #expect(try await refusal().contains("does not stand on the tag `base`"))
  }

  @Test func noTagAndNoCommit() async throws {
    try await shell.git("tag", "base", "--force", "HEAD")
    #expect(try await refusal().contains("has no commit after `base`"))
    try await shell.git("tag", "--delete", "base")
    #expect(try await refusal().contains("has no tag `base`"))
  }

  @Test func aChangeOfAnEarlierCommitsFile() async throws {
    try kernel.directory.write("work/include/linux/map.h", "long map(void);\n")
    try await shell.git("commit", "--all", "--message", "linux: longer")
    let text = try await refusal()
    #expect(text.contains("(\"linux: longer\") changes include/linux/map.h, which"))
    #expect(text.contains("(\"linux: add map.h\") adds"))
  }

  @Test func aMessageThatAMailWouldCut() async throws {
    try await shell.git(
      "commit", "--amend", "--message", "init: hook it in\n\nBefore.\n---\nAfter.\n")
    #expect(try await refusal().contains("would not survive being mailed"))
  }

  @Test func aBinaryFile() async throws {
    try kernel.directory.write("work/logo", [0, 1, 2, 0])
    try await shell.git("add", "--all")
    try await shell.git("commit", "--message", "logo")
    #expect(try await refusal().contains("logo is a binary file"))
  }

  @Test func aSeriesThatChangedMeanwhile() async throws {
    try kernel.directory.write("project/files/include/linux/map.h", "long map(void);\n")
    #expect(try await refusal().contains("changed since"))
    let exported = try await kernel.series.export(work, force: true)
    #expect(exported.written == ["files/include/linux/map.h"])
  }

  @Test func aPatchThatAFlavourCountsOn() async throws {
    try kernel.edit(
      "project/images/kernel/kernel.yaml", "until: drivers/new",
      "until: 0001-drivers-new-add-a-driver.patch")
    try await shell.git("checkout", "--quiet", "HEAD~2")
    try await shell.git("commit", "--amend", "--message", "drivers: new: bring a driver")
    try await shell.git("cherry-pick", "series~2..series")
    let text = try await refusal()
    #expect(text.contains("takes patches until `0001-drivers-new-add-a-driver.patch`, which"))
  }

  @Test func aFileThatLiesElsewhereAndIsGone() async throws {
    try await shell.git("rebase", "--onto", "base", "HEAD~2")
    let text = try await refusal()
    #expect(text.contains("takes abi/new.h for drivers/new/new.h, which the series does not have"))
  }

  @Test func aDirectoryOfAPartOfTheSeries() async throws {
    try HostFiles.remove(work)
    let edited = try await kernel.series.edit(work, flavour: "7.2-driver")
    #expect(edited.patches.count == 1)
    #expect(try await refusal(force: true).contains("takes only a part of the series"))
  }

  @Test func aDirectoryThatWasMadeByOtherMeans() async throws {
    try await shell.git("config", "--unset", KernelSeries.Setting.flavour)
    #expect(try await refusal().contains("was not made by `crossbar kernel edit`"))
    try HostFiles.remove(work)
    #expect(try await refusal().contains("there is no directory"))
  }
}
