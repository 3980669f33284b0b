// SPDX-License-Identifier: Apache-2.0

import Foundation
import SystemPackage

@testable import Artifacts

/// A project whose "kernel" is a Makefile that goes through the motions in milliseconds: the same
/// targets, the same files, an image with a valid header.
struct FakeKernel {
  let directory: TemporaryDirectory
  var store: ArtifactStore { ArtifactStore(root: directory.path.appending("cache")) }
  var tree: FilePath { directory.path.appending("linux") }
  /// Set as CROSSBAR_KERNEL_SOURCE.
  var tarball: FilePath { directory.path.appending("linux.tar.xz") }

  init() async throws {
    directory = try TemporaryDirectory()
    try writeProject()
    try writeTree()
    try await Command(
      try HostTool.require("tar"),
      ["-C", directory.path.string, "-cJf", tarball.string, "linux"]
    ).check("packing", mend: "")
  }

  func artifact(_ choice: KernelChoice = .flavour(nil)) -> KernelArtifact {
    KernelArtifact(
      choice, project: ProjectFiles(root: directory.path.appending("project")), store: store,
      environment: ["CROSSBAR_KERNEL_SOURCE": tarball.string])
  }

  /// How often `make bzImage` ran, in all directories.
  var builds: Int {
    (try? HostFiles.text(directory.path.appending("builds")))?.split(separator: "\n").count ?? 0
  }

  func setFragment(_ text: String) throws {
    try directory.write("project/base.config", text)
  }

  private func writeProject() throws {
    try directory.write(
      "project/images/kernel/kernel.yaml",
      """
      crossbar: crossbar.kernel/1
      default: "7.2"
      flavours:
        - name: "7.2"
          series: "7.2"
          package: linux-source-7.2
          suites: [sid]
          config: [base.config]
          patches: patches
          overlay: [{from: files, to: .}]
          overlay-options: [CONFIG_NEW]
          exclude: [useless]
          steps: 5
      """)
    try directory.write("project/images/host-packages.txt", "")
    try setFragment("CONFIG_PCI=y\nCONFIG_NEW=y\n")
    try directory.write("project/files/drivers/new/Kconfig", "CONFIG_NEW\n")
    try directory.write(
      "project/patches/0001-hook.patch",
      """
      --- a/Kconfig
      +++ b/Kconfig
      @@ -1 +1,2 @@
       CONFIG_PCI
      +source drivers/new/Kconfig

      """)
  }

  private func writeTree() throws {
    var image = [UInt8](repeating: 0, count: 0x400)
    image.replaceSubrange(0x202..<0x206, with: "HdrS".utf8)
    image.replaceSubrange(0x206..<0x208, with: [15, 2])
    image[0x20F] = 1
    image[0x211] = 1
    image[0x236] = 1
    image.replaceSubrange(0x300..<0x306, with: "7.2.13".utf8)
    try directory.write("linux/image", image)
    try directory.write("linux/useless/file", "never read")
    try directory.write("linux/arch/x86/Kconfig", "")
    try directory.write("linux/Kconfig", "CONFIG_PCI\n")
    // An option survives when the tree's Kconfig files have it.
    let merge = try directory.write(
      "linux/scripts/kconfig/merge_config.sh",
      """
      #!/bin/sh
      # -m -O DIRECTORY BASE FRAGMENT...
      directory=$3; shift 4
      cat "$@" > "$directory/.config"
      """)
    chmod(merge.string, 0o755)
    try directory.write(
      "linux/Makefile",
      """
      # A kernel for tests
      VERSION = 7
      PATCHLEVEL = 2
      SUBLEVEL = 13

      o := $(or $(O),.)
      known := $(shell cat Kconfig drivers/new/Kconfig 2>/dev/null | tr '\\n' ' ')

      tinyconfig:
      \t@touch $(o)/.config
      olddefconfig:
      \t@for x in $(known); do grep "^$$x=" $(o)/.config; done > $(o)/.new; mv $(o)/.new $(o)/.config
      bzImage:
      \t@echo x >> \(directory.path)/builds
      \t@for x in a b c d; do echo "  CC      $$x.o"; done
      \t@if grep -q BROKEN Kconfig; then echo "a.c:1:1: error: broken"; exit 1; fi
      \t@mkdir -p $(o)/arch/x86/boot
      \t@cp image $(o)/arch/x86/boot/bzImage
      \t@cat $(o)/.config >> $(o)/arch/x86/boot/bzImage
      \t@echo map > $(o)/System.map; echo elf > $(o)/vmlinux

      """)
  }
}
