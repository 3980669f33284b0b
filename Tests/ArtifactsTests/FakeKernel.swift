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

  var project: ProjectFiles { ProjectFiles(root: directory.path.appending("project")) }

  var series: KernelSeries {
    KernelSeries(
      project: project, store: store, environment: ["CROSSBAR_KERNEL_SOURCE": tarball.string])
  }

  func artifact(_ choice: KernelChoice = .flavour(nil)) -> KernelArtifact {
    KernelArtifact(
      choice, project: project, store: store,
      environment: ["CROSSBAR_KERNEL_SOURCE": tarball.string])
  }

  /// Every file of the project with its content.
  func projectFiles() throws -> [String: [UInt8]] {
    var files: [String: [UInt8]] = [:]
    for path in HostFiles.regularFiles(below: project.root) {
      files[path] = try HostFiles.read(project.path(path))
    }
    return files
  }

  /// Replaces a text in a file, which must hold it.
  func edit(_ path: String, _ old: String, _ new: String) throws {
    let text = try HostFiles.text(directory.path.appending(path))
    guard text.contains(old) else {
      throw ArtifactError(.input, "\(path) does not hold `\(old)`", mend: "")
    }
    try directory.write(path, text.replacingOccurrences(of: old, with: new))
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
          version: "7.2"
          package: linux-source-7.2
          suites: [sid]
          config: [base.config]
          series: patches/series
          files: files
          overlay: [{from: abi/new.h, to: drivers/new/new.h}]
          overlay-options: [CONFIG_NEW]
          exclude: [useless]
          steps: 5
        - name: "7.2-driver"
          base: "7.2"
          until: drivers/new

      """)
    try directory.write("project/images/host-packages.txt", "")
    try setFragment("CONFIG_PCI=y\nCONFIG_NEW=y\n")
    try directory.write("project/files/drivers/new/Kconfig", "CONFIG_NEW\n")
    try directory.write("project/abi/new.h", "#define NEW 1\n")
    try directory.write("project/files/include/linux/map.h", "int map(void);\n")
    for mail in FakeMail.series { try directory.write("project/patches/\(mail.name)", mail.text) }
    try directory.write(
      "project/patches/series",
      """
      # The series.
      0001-drivers-new-add-a-driver.patch drivers/new

      # Only a header.
      0002-linux-add-map.h.patch include/linux/map.h
      0003-init-hook-it-in.patch

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
    try directory.write("linux/init/main.c", "start\nmiddle\nend\n")
    try directory.write("linux/include/linux/mm.h", "\n")
    try directory.write("linux/.gitignore", "*.o\n")
    try directory.write("linux/tools/ignored.o", "part of the source all the same\n")
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
      modules:
      \t@: > $(o)/modules.order
      \t@if grep -q CONFIG_NEW=m $(o)/.config; then mkdir -p $(o)/drivers/new; \\
      \tcp drivers/new/Kconfig $(o)/drivers/new/new.ko; \\
      \techo drivers/new/new.o > $(o)/modules.order; fi

      """)
  }
}
