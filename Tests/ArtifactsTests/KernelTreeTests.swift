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

  private func patches(_ text: String) throws -> [(path: FilePath, name: String)] {
    [(try directory.write("0001-x.patch", text), "patches/0001-x.patch")]
  }

  @Test func knowsVersionAndSeries() throws {
    let tree = try KernelTree(root)
    #expect(tree.version == "7.2.13")
    #expect(tree.series == "7.2")
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

  @Test func appliedPatchIsPassedOverInAUsersTree() async throws {
    let tree = try KernelTree(root)
    let tool = try HostTool.require("patch")
    for _ in 0..<2 { try await tree.apply(patches(patch), with: tool, skipApplied: true) }
    let text = try HostFiles.text(root.appending("drivers/Kconfig"))
    #expect(text.components(separatedBy: "drivers/new").count == 2)
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
    try directory.write("project/files/drivers/misc/driver.c", "new")
    try directory.write("project/header.h", "header")
    try tree.lay(
      [.init(from: "files", to: "."), .init(from: "header.h", to: "drivers/misc/abi.h")],
      project: ProjectFiles(root: directory.path.appending("project")))
    #expect(try HostFiles.text(root.appending("drivers/misc/driver.c")) == "new")
    #expect(try HostFiles.text(root.appending("drivers/misc/abi.h")) == "header")
    #expect(try HostFiles.text(original) == "old")
  }

  @Test func projectsOwnPatchesAreMails() throws {
    let recipe = try KernelRecipe.load(nil, project: project)
    let patches = project.path(try #require(recipe.patches))
    try #require(!HostFiles.names(in: patches).isEmpty)
    for name in HostFiles.names(in: patches) {
      let text = try HostFiles.text(patches.appending(name))
      #expect(text.contains("\nSubject: [PATCH"))
      #expect(text.contains("\nSigned-off-by: "))
    }
  }
}
