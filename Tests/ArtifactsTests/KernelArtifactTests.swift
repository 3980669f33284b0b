// SPDX-License-Identifier: Apache-2.0

import Foundation
import SystemPackage
import Testing

@testable import Artifacts

@Suite struct KernelArtifactTests {
  let kernel: FakeKernel
  let recorder = ProgressRecorder()

  init() async throws {
    kernel = try await FakeKernel()
  }

  @Test func flavourIsBuiltFromSourcePatchesFilesAndConfiguration() async throws {
    #expect(await kernel.artifact().cachedPath() == nil)
    let image = try await kernel.artifact().resolve(progress: recorder.handler)
    #expect(image.release == "7.2.13")
    #expect(image.origin == kernel.tarball.string)
    let config = try HostFiles.text(try #require(image.config))
    #expect(config == "CONFIG_PCI=y\nCONFIG_NEW=y\n")
    #expect(HostFiles.names(in: image.path.removingLastComponent()).count == 5)
    #expect(HostFiles.names(in: kernel.directory.path.appending("cache/building")).isEmpty)
    #expect(await kernel.artifact().cachedPath() == image.path)
  }

  @Test func progressRisesToOne() async throws {
    _ = try await kernel.artifact().resolve(progress: recorder.handler)
    #expect(recorder.fractions == recorder.fractions.sorted())
    #expect(recorder.fractions.last == 1)
    #expect(recorder.reports.contains { $0.detail.hasPrefix("CC b.o, step 2 of about") })
  }

  @Test func anotherConfigurationBuildsAgainButUnpacksOnce() async throws {
    let first = try await kernel.artifact().resolve()
    #expect(try await kernel.artifact().resolve() == first)
    #expect(kernel.builds == 1)
    try kernel.setFragment("CONFIG_PCI=y\n")
    let second = try await kernel.artifact().resolve()
    #expect(second.path != first.path)
    #expect(kernel.builds == 2)
    let entries = kernel.directory.path.appending("cache/entries")
    #expect(HostFiles.names(in: entries.appending("kernel-tree")).count == 1)
    #expect(HostFiles.names(in: entries.appending("kernel-source")).count == 1)
  }

  @Test func whatIsConfiguredAsAModuleLiesBesideTheImage() async throws {
    let plain = try await kernel.artifact().resolve()
    #expect(plain.modules == nil && !plain.hasModule("new"))
    try kernel.setFragment("CONFIG_PCI=y\nCONFIG_NEW=m\n")
    let image = try await kernel.artifact().resolve()
    let modules = try #require(image.modules)
    #expect(HostFiles.names(in: modules) == ["new.ko"])
    #expect(image.hasModule("new") && !image.hasModule("old"))
    #expect(try HostFiles.text(modules.appending("new.ko")) == "CONFIG_NEW\n")
    // Who names the image gets them, too.
    let named = try await kernel.artifact(.image(image.path)).resolve()
    #expect(named.modules == modules && named.config == image.config)
    // The image alone is the same, and yet another kernel when only a module changed.
    let own = kernel.artifact(.tree(kernel.tree, withDriver: true))
    let first = try await own.resolve()
    try kernel.directory.write("project/files/drivers/new/Kconfig", "CONFIG_NEW\nCONFIG_MORE\n")
    let second = try await own.resolve()
    #expect(try HostFiles.text(#require(first.modules).appending("new.ko")) == "CONFIG_NEW\n")
    let changed = try HostFiles.text(#require(second.modules).appending("new.ko"))
    #expect(changed == "CONFIG_NEW\nCONFIG_MORE\n")
  }

  @Test func changedDriverBuildsAgain() async throws {
    let first = try await kernel.artifact().resolve()
    try kernel.directory.write("project/files/drivers/new/driver.c", "int x;\n")
    #expect(try await kernel.artifact().resolve().path != first.path)
  }

  @Test func aPatchOnTopIsAnotherKernelAndItsNameIsInTheOrigin() async throws {
    let plain = try await kernel.artifact().resolve()
    let patch = try kernel.directory.write(
      "tooth.patch",
      "Rule: 1\n\n--- a/image\n+++ b/drivers/new/Kconfig\n@@ -1 +1,2 @@\n"
        .replacingOccurrences(of: "a/image", with: "a/drivers/new/Kconfig")
        + " CONFIG_NEW\n+CONFIG_TOOTH\n")
    try kernel.setFragment("CONFIG_PCI=y\nCONFIG_NEW=y\nCONFIG_TOOTH=y\n")
    await #expect(throws: ArtifactError.self) { try await kernel.artifact().resolve() }
    let choice = KernelChoice.flavour(nil, patches: [patch])
    #expect(await kernel.artifact(choice).cachedPath() == nil)
    let image = try await kernel.artifact(choice).resolve(progress: recorder.handler)
    #expect(image.path != plain.path)
    #expect(image.origin == "\(kernel.tarball) + \(patch)")
    #expect(recorder.reports.last?.label == "kernel 7.2+tooth.patch")
    let config = try HostFiles.text(try #require(image.config))
    #expect(config.contains("CONFIG_TOOTH=y"))
    #expect(await kernel.artifact(choice).cachedPath() == image.path)
    #expect(kernel.builds == 2)
  }

  @Test func patchesOnTopAreTakenInTheirOrder() async throws {
    let patches = try ["A", "B"].enumerated().map { number, name in
      try kernel.directory.write(
        "\(name).patch",
        "--- a/init/main.c\n+++ b/init/main.c\n@@ -1 +1 @@\n"
          + "-\(number == 0 ? "start" : "A")\n+\(name)\n")
    }
    _ = try await kernel.artifact(.flavour(nil, patches: patches)).resolve()
    let error = await #expect(throws: ArtifactError.self) {
      try await kernel.artifact(.flavour(nil, patches: patches.reversed())).resolve()
    }
    #expect(error?.kind == .patch)
    #expect(error?.message.contains("B.patch does not apply to Linux 7.2.13") == true)
  }

  @Test func aPatchWithoutADiffIsRefused() async throws {
    let patch = try kernel.directory.write("mail.patch", "Subject: nothing\n")
    let error = await #expect(throws: ArtifactError.self) {
      try await kernel.artifact(.flavour(nil, patches: [patch])).resolve()
    }
    #expect(error?.kind == .input)
  }

  @Test func aFlavourTakesPatchesUntilTheOneThatItNames() async throws {
    let whole = try await kernel.artifact().resolve()
    let part = try await kernel.artifact(.flavour("7.2-driver")).resolve()
    #expect(part.path != whole.path)
    // A change of what it does not take leaves it alone.
    try kernel.directory.write("project/files/include/linux/map.h", "long map(void);\n")
    #expect(await kernel.artifact(.flavour("7.2-driver")).cachedPath() == part.path)
    #expect(await kernel.artifact().cachedPath() == nil)
  }

  @Test func aNewFileThatBelongsToNoPatchEndsBeforeAnythingIsBuilt() async throws {
    try kernel.directory.write("project/files/mm/stray.c", "")
    let error = await #expect(throws: ArtifactError.self) {
      try await kernel.artifact().resolve()
    }
    #expect(error?.kind == .input)
    #expect(kernel.builds == 0)
  }

  @Test func sourceTreeIsUnpackedWithoutPatchesAndWithoutWhatIsExcluded() async throws {
    let tree = try await kernel.artifact().sourceTree()
    #expect(try HostFiles.text(tree.appending("Kconfig")) == "CONFIG_PCI\n")
    #expect(!HostFiles.exists(tree.appending("useless")))
    _ = try await kernel.artifact().resolve()
    #expect(try HostFiles.text(tree.appending("Kconfig")) == "CONFIG_PCI\n")
    #expect(!HostFiles.exists(tree.appending("drivers/new")))
  }

  @Test func damagedKernelIsNamedAndBuiltAgain() async throws {
    let image = try await kernel.artifact().resolve()
    let good = try HostFiles.read(image.path)
    chmod(image.path.string, 0o644)
    var bytes = good
    bytes[0x350] ^= 0x10
    try HostFiles.write(bytes, to: image.path)
    #expect(try await kernel.artifact().resolve(progress: recorder.handler) == image)
    #expect(try HostFiles.read(image.path) == good)
    #expect(kernel.builds == 2)
    #expect(recorder.notices.first?.contains("cached kernel 7.2 in") == true)
  }

  @Test func lostOptionEndsBeforeTheCompilation() async throws {
    try kernel.setFragment("CONFIG_PCI=y\nCONFIG_GONE=y\n")
    let error = await #expect(throws: ArtifactError.self) {
      try await kernel.artifact().resolve()
    }
    #expect(error?.kind == .configuration)
    #expect(error?.message.contains("base.config:2: CONFIG_GONE=y") == true)
    #expect(kernel.builds == 0)
  }

  @Test func sourceOfAnotherSeriesIsRefused() async throws {
    let yaml = kernel.directory.path.appending("project/images/kernel/kernel.yaml")
    let text = try HostFiles.text(yaml)
    try HostFiles.write(
      text.replacingOccurrences(of: "version: \"7.2\"", with: "version: \"6.12\""), to: yaml)
    let error = await #expect(throws: ArtifactError.self) {
      try await kernel.artifact().resolve()
    }
    #expect(error?.message == "the source of flavour 7.2 is Linux 7.2.13, not 6.12")
  }

  @Test func ownTreeStaysAsItIsAndItsLackIsSaid() async throws {
    let artifact = kernel.artifact(.tree(kernel.tree, withDriver: false))
    let before = HostFiles.regularFiles(below: kernel.tree)
    let image = try await artifact.resolve(progress: recorder.handler)
    #expect(image.origin == kernel.tree.string)
    #expect(try HostFiles.text(try #require(image.config)) == "CONFIG_PCI=y\n")
    #expect(recorder.notices.first?.contains("does not have CONFIG_NEW") == true)
    #expect(HostFiles.regularFiles(below: kernel.tree) == before)
    // make decides what is to be done; the same image is the same entry.
    #expect(try await artifact.resolve() == image)
    #expect(kernel.builds == 2)
  }

  @Test func ownTreeTakesTheDriverWhenAskedAsOftenAsOneLikes() async throws {
    let artifact = kernel.artifact(.tree(kernel.tree, withDriver: true))
    for _ in 0..<2 {
      let image = try await artifact.resolve(progress: recorder.handler)
      #expect(try HostFiles.text(try #require(image.config)) == "CONFIG_PCI=y\nCONFIG_NEW=y\n")
    }
    #expect(recorder.notices.isEmpty)
    let main = try HostFiles.text(kernel.tree.appending("init/main.c"))
    #expect(main == "start\nmap\nmiddle\nend\n")
  }

  @Test func ownTreeTakesTheRestOfASeriesThatItHasInPart() async throws {
    let part = KernelChoice.tree(kernel.tree, withDriver: true, flavour: "7.2-driver")
    _ = try await kernel.artifact(part).resolve()
    #expect(!HostFiles.exists(kernel.tree.appending("include/linux/map.h")))
    _ = try await kernel.artifact(.tree(kernel.tree, withDriver: true)).resolve()
    #expect(HostFiles.exists(kernel.tree.appending("include/linux/map.h")))
    #expect(HostFiles.isDirectory(kernel.directory.path.appending("cache/trees")))
    let main = try HostFiles.text(kernel.tree.appending("init/main.c"))
    #expect(main == "start\nmap\nmiddle\nend\n")
  }

  @Test func compilerErrorOfAnOwnTreeIsShownWithTheLog() async throws {
    try kernel.directory.write("linux/Kconfig", "CONFIG_PCI\nBROKEN\n")
    let artifact = kernel.artifact(.tree(kernel.tree, withDriver: false))
    let error = await #expect(throws: ArtifactError.self) { try await artifact.resolve() }
    #expect(error?.kind == .compilation)
    #expect(error?.message.contains("a.c:1:1: error: broken") == true)
    let log = try HostFiles.text(FilePath(try #require(error?.log)))
    #expect(log.contains("  CC      d.o"))
  }
}
