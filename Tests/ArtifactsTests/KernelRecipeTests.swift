// SPDX-License-Identifier: Apache-2.0

import SystemPackage
import Testing

@testable import Artifacts

@Suite struct KernelRecipeTests {
  private let text = """
    crossbar: crossbar.kernel/1
    default: a
    flavours:
      - name: a
        version: "7.2"
        package: linux-source-7.2
        suites: [sid]
        config: [base.config]

    """

  @Test func projectsOwnFileHasADefaultFlavourWhoseFilesExist() throws {
    let recipe = try KernelRecipe.load(nil, project: project)
    #expect(recipe.version == "7.2")
    for fragment in recipe.fragments { #expect(HostFiles.exists(project.path(fragment))) }
    for item in recipe.overlay { #expect(HostFiles.exists(project.path(item.from))) }
    #expect(recipe.tarball?.address.contains("{") == false)
  }

  @Test(arguments: ["7.2", "7.2-mainline", "7.2-debug", "7.2-kcsan"])
  func everyFlavourHasASeriesInWhichEveryNewFileBelongsToAPatch(_ name: String) throws {
    let series = try PatchSeries(of: KernelRecipe.load(name, project: project), project: project)
    #expect(series.patches.isEmpty == false)
    #expect(series.newFiles.contains { $0.path == "drivers/misc/ivgpu/crossbar_gpu.h" })
  }

  @Test func mainlineHasTheGPUsDriverAndNoOptionOfTheOtherPatches() throws {
    let recipe = try KernelRecipe.load("7.2-mainline", project: project)
    let series = try PatchSeries(of: recipe, project: project)
    #expect(series.newFiles.allSatisfy { $0.path.hasPrefix("drivers/misc/ivgpu/") })
    #expect(recipe.overlayOptions == ["CONFIG_IVGPU"])
    #expect(
      recipe.fragments == [
        "images/kernel/config/base.config", "images/kernel/config/regression.config",
      ])
  }

  @Test func unknownFlavourListsTheKnownOnes() {
    let error = #expect(throws: ArtifactError.self) {
      try KernelRecipe.load("9.9", project: project)
    }
    #expect(error?.mend.contains("7.2") == true)
  }

  @Test func unknownKeyIsRefusedWithItsLine() {
    let error = #expect(throws: ArtifactError.self) {
      try KernelRecipe.parse(text + "    cofnig: [x]\n", file: "kernel.yaml")
    }
    #expect(error?.message == "kernel.yaml:9: unknown key `cofnig`")
  }

  @Test(arguments: ["../etc/passwd", "/etc/passwd", "a/../../b"])
  func pathsMustStayInside(_ path: String) {
    #expect(throws: ArtifactError.self) {
      try KernelRecipe.parse(text + "    series: \(path)\n", file: "kernel.yaml")
    }
  }

  @Test func missingKeyIsNamed() {
    let error = #expect(throws: ArtifactError.self) {
      try KernelRecipe.parse(
        "crossbar: crossbar.kernel/1\ndefault: a\nflavours:\n  - name: a\n", file: "kernel.yaml")
    }
    #expect(error?.message == "kernel.yaml:4: `version` is missing")
  }

  private func flavours(_ more: String) throws -> [KernelRecipe] {
    try KernelRecipe.parse(text + "    series: p/series\n" + more, file: "kernel.yaml").recipes
  }

  @Test func aFlavourHasWhatItsBaseHasAndItDoesNotSay() throws {
    let recipes = try flavours(
      """
        - {name: b, base: a, config: [b.config], until: x.patch}
        - {name: c, base: b, until: }

      """)
    #expect(recipes.map(\.package) == Array(repeating: "linux-source-7.2", count: 3))
    #expect(recipes.map(\.fragments) == [["base.config"], ["b.config"], ["b.config"]])
    #expect(recipes.map(\.until) == [nil, "x.patch", nil])
    #expect(recipes.map(\.name) == ["a", "b", "c"])
  }

  @Test func aBaseThatIsNotAboveIsRefused() {
    let error = #expect(throws: ArtifactError.self) {
      try flavours("  - {name: b, base: c}\n  - {name: c, base: a}\n")
    }
    #expect(
      error?.message == "kernel.yaml:10: `b` is based on `c`, which is no flavour above it")
  }

  @Test func oneNameIsOneFlavour() {
    let error = #expect(throws: ArtifactError.self) { try flavours("  - {name: a, base: a}\n") }
    #expect(error?.message == "kernel.yaml:10: there is a flavour `a` already")
  }

  @Test func filesWithoutPatchesAreRefused() {
    let error = #expect(throws: ArtifactError.self) {
      try KernelRecipe.parse(text + "    files: files\n", file: "kernel.yaml")
    }
    #expect(error?.message.contains("no patches that they could belong to") == true)
  }

  @Test func anotherSchemaIsRefused() {
    #expect(throws: ArtifactError.self) {
      try KernelRecipe.parse("crossbar: crossbar.kernel/2\n", file: "kernel.yaml")
    }
  }

  @Test func kernelOptionIsAPathOnlyWhenItLooksLikeOne() {
    #expect(KernelChoice(parsing: "7.2") == .flavour("7.2"))
    #expect(KernelChoice(parsing: "./bzImage") == .image("./bzImage"))
    #expect(KernelChoice(parsing: "/boot/vmlinuz") == .image("/boot/vmlinuz"))
  }
}
