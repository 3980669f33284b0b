// SPDX-License-Identifier: Apache-2.0

import Foundation
import SystemPackage
import Testing

@testable import Artifacts

@Suite struct PatchSeriesTests {
  let kernel: FakeKernel

  init() async throws {
    kernel = try await FakeKernel()
  }

  private func series(_ flavour: String? = nil) throws(ArtifactError) -> PatchSeries {
    try PatchSeries(
      of: KernelRecipe.load(flavour, project: kernel.project), project: kernel.project)
  }

  private func setSeries(_ text: String) throws {
    try kernel.directory.write("project/patches/series", text)
  }

  @Test func everyPatchHasItsNewFiles() throws {
    let series = try series()
    #expect(
      series.patches.map { $0.files.map(\.path) } == [
        ["drivers/new/Kconfig", "drivers/new/new.h"], ["include/linux/map.h"], [],
      ])
    let header = try #require(series.newFiles.first { $0.path == "drivers/new/new.h" })
    #expect(kernel.project.name(of: header.source) == "abi/new.h")
    #expect(series.patches[2].file.name == "patches/0003-init-hook-it-in.patch")
  }

  @Test(arguments: ["drivers/new", "0001-drivers-new-add-a-driver.patch"])
  func aFlavourMayTakeTheFirstPatchesOnly(_ until: String) throws {
    try kernel.edit("project/images/kernel/kernel.yaml", "until: drivers/new", "until: \(until)")
    let part = try series("7.2-driver")
    #expect(part.patches.count == 1)
    #expect(part.newFiles.allSatisfy { $0.path.hasPrefix("drivers/new/") })
    #expect(part.all.count == 3)
  }

  @Test func anUntilThatNothingHasIsRefused() throws {
    try kernel.edit("project/images/kernel/kernel.yaml", "until: drivers/new", "until: drivers/n")
    let error = #expect(throws: ArtifactError.self) { try series("7.2-driver") }
    #expect(error?.message.contains("flavour 7.2-driver takes patches until `drivers/n`") == true)
  }

  @Test func aNewFileOfNoPatchIsRefused() throws {
    try kernel.directory.write("project/files/mm/stray.c", "")
    let error = #expect(throws: ArtifactError.self) { try series() }
    #expect(
      error?.message == "patches/series: files/mm/stray.c belongs to none of the patches")
    #expect(error?.mend.contains("`mm/stray.c`") == true)
  }

  @Test func aPathOfNoNewFileIsRefusedWithItsLine() throws {
    try setSeries(
      """
      0001-drivers-new-add-a-driver.patch drivers/new
      0002-linux-add-map.h.patch include/linux/map.h mm/gone.c
      0003-init-hook-it-in.patch
      """)
    let error = #expect(throws: ArtifactError.self) { try series() }
    #expect(error?.message == "patches/series:2: `mm/gone.c` names no new file")
  }

  @Test func aPatchThatIsMissingIsRefusedWithItsLine() throws {
    try HostFiles.remove(
      kernel.directory.path.appending("project/patches/0003-init-hook-it-in.patch"))
    let error = #expect(throws: ArtifactError.self) { try series() }
    #expect(error?.message == "patches/series:6: there is no patch 0003-init-hook-it-in.patch")
  }

  @Test func aPatchThatTheSeriesForgotIsRefused() throws {
    try kernel.directory.write("project/patches/0004-forgotten.patch", "")
    let error = #expect(throws: ArtifactError.self) { try series() }
    #expect(
      error?.message == "patches/series does not have 0004-forgotten.patch, which lies beside it")
  }

  @Test func oneFileCanNotComeFromTwoPlaces() throws {
    try kernel.directory.write("project/files/drivers/new/new.h", "")
    let error = #expect(throws: ArtifactError.self) { try series() }
    #expect(error?.message.contains("both become drivers/new/new.h") == true)
  }

  @Test func theDigestIsOfPatchesFilesAndWhoseTheyAre() throws {
    let digest = try series().digest()
    #expect(try series().digest() == digest)
    // A comment says nothing.
    try kernel.edit("project/patches/series", "# The series.", "# Patches.")
    #expect(try series().digest() == digest)
    try kernel.directory.write("project/abi/new.h", "#define NEW 2\n")
    #expect(try series().digest() != digest)
    try kernel.directory.write("project/abi/new.h", "#define NEW 1\n")
    try kernel.edit("project/patches/series", " include/linux/map.h", "")
    try kernel.edit("project/patches/series", "drivers/new\n", "drivers/new include/linux/map.h\n")
    #expect(try series().digest() != digest)
  }
}
