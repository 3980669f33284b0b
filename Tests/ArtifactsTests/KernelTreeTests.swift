// SPDX-License-Identifier: Apache-2.0

import Foundation
import SystemPackage
import Testing

@testable import Artifacts

@Suite struct KernelTreeTests {
  let directory: TemporaryDirectory
  let root: FilePath

  init() throws {
    directory = try TemporaryDirectory()
    root = directory.path.appending("linux")
    try directory.write(
      "linux/Makefile", "# SPDX\nVERSION = 7\nPATCHLEVEL = 2\nSUBLEVEL = 13\nEXTRAVERSION =\n")
    for file in ["Kconfig", "scripts/kconfig/merge_config.sh", "arch/x86/Kconfig"] {
      try directory.write("linux/\(file)", "")
    }
    try directory.write("linux/drivers/Kconfig", "menu \"x\"\nconfig A\nendmenu\n")
  }

  private let patch = """
    --- a/drivers/Kconfig
    +++ b/drivers/Kconfig
    @@ -1,3 +1,4 @@
     menu "x"
     config A
    +source "drivers/new/Kconfig"
     endmenu

    """

  private func patches(_ texts: String...) throws -> [PatchFile] {
    try texts.enumerated().map { number, text in
      let name = "000\(number + 1)-x.patch"
      return PatchFile(path: try directory.write(name, text), name: "patches/\(name)")
    }
  }

  @Test func knowsVersionAndSeries() throws {
    let tree = try KernelTree(root)
    #expect(tree.version == "7.2.13")
    #expect(tree.baseVersion == "7.2")
  }

  @Test func whatIsNoKernelIsRefused() throws {
    try HostFiles.remove(root.appending("arch/x86/Kconfig"))
    let error = #expect(throws: ArtifactError.self) { try KernelTree(root) }
    #expect(error?.message.contains("arch/x86/Kconfig is missing") == true)
    #expect(throws: ArtifactError.self) { try KernelTree("/nowhere") }
  }

  @Test func treeBuiltInPlaceIsRefused() throws {
    let tree = try KernelTree(root)
    try tree.requireClean()
    try directory.write("linux/.config", "")
    let error = #expect(throws: ArtifactError.self) { try tree.requireClean() }
    #expect(error?.mend.contains("make mrproper") == true)
  }

  @Test func patchIsApplied() async throws {
    let tree = try KernelTree(root)
    try await tree.apply(patches(patch), with: HostTool.require("patch"))
    let text = try HostFiles.text(root.appending("drivers/Kconfig"))
    #expect(text == "menu \"x\"\nconfig A\nsource \"drivers/new/Kconfig\"\nendmenu\n")
  }

  /// Changes what `patch` wrote, so that `patch` alone can't be taken back any more.
  private let second = """
    --- a/drivers/Kconfig
    +++ b/drivers/Kconfig
    @@ -1,4 +1,4 @@
     menu "x"
     config A
    -source "drivers/new/Kconfig"
    +source "drivers/newer/Kconfig"
     endmenu

    """

  @Test func knowsHowManyPatchesOfASeriesItHas() async throws {
    let tree = try KernelTree(root)
    let tool = try HostTool.require("patch")
    let series = try patches(patch, "Subject: no diff\n", second)
    let scratch = directory.path.appending("scratch")
    #expect(try await tree.countApplied(series, with: tool, scratch: scratch) == 0)
    try await tree.apply(Array(series.prefix(1)), with: tool)
    // The message without a diff is as good as applied.
    #expect(try await tree.countApplied(series, with: tool, scratch: scratch) == 2)
    try await tree.apply(Array(series.dropFirst(2)), with: tool)
    #expect(try await tree.countApplied(series, with: tool, scratch: scratch) == 3)
    let text = try HostFiles.text(root.appending("drivers/Kconfig"))
    #expect(text == "menu \"x\"\nconfig A\nsource \"drivers/newer/Kconfig\"\nendmenu\n")
    #expect(!HostFiles.exists(scratch))
  }

  @Test func patchThatDoesNotApplyIsNamedAndChangesNothing() async throws {
    let tree = try KernelTree(root)
    let wrong = try patches(patch.replacingOccurrences(of: "config A", with: "config B"))
    let tool = try HostTool.require("patch")
    let error = await #expect(throws: ArtifactError.self) {
      try await tree.apply(wrong, with: tool)
    }
    #expect(error?.kind == .patch)
    #expect(error?.message.contains("patches/0001-x.patch does not apply to Linux 7.2.13") == true)
    #expect(!HostFiles.names(in: root.appending("drivers")).contains { $0.hasSuffix(".rej") })
  }

  @Test func overlayDoesNotReachThroughHardLinks() throws {
    let tree = try KernelTree(root)
    let original = try directory.write("pristine", "old")
    try HostFiles.makeDirectory(root.appending("drivers/misc"))
    try #require(
      link(original.string, root.appending("drivers/misc/driver.c").string) == 0)
    let driver = try directory.write("project/files/drivers/misc/driver.c", "new")
    let header = try directory.write("project/header.h", "header")
    let script = try directory.write("project/check.sh", "script")
    chmod(script.string, 0o755)
    try tree.lay([
      .init(path: "drivers/misc/driver.c", source: driver),
      .init(path: "drivers/misc/abi.h", source: header),
      .init(path: "tools/check.sh", source: script),
    ])
    #expect(try HostFiles.text(root.appending("drivers/misc/driver.c")) == "new")
    #expect(try HostFiles.text(root.appending("drivers/misc/abi.h")) == "header")
    #expect(try HostFiles.text(original) == "old")
    #expect(HostFiles.isExecutable(root.appending("tools/check.sh")))
    #expect(!HostFiles.isExecutable(root.appending("drivers/misc/abi.h")))
  }

  @Test func projectsOwnPatchesAreMails() throws {
    let series = try PatchSeries(of: KernelRecipe.load(nil, project: project), project: project)
    try #require(!series.patches.isEmpty)
    for patch in series.patches {
      let text = try HostFiles.text(patch.file.path)
      #expect(text.contains("\nSubject: [PATCH"))
      #expect(text.contains("\nSigned-off-by: "))
    }
  }
}
