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
        series: "7.2"
        package: linux-source-7.2
        suites: [sid]
        config: [base.config]

    """

  @Test func projectsOwnFileHasADefaultFlavourWhoseFilesExist() throws {
    let recipe = try KernelRecipe.load(nil, project: project)
    #expect(recipe.series == "7.2")
    for fragment in recipe.fragments { #expect(HostFiles.exists(project.path(fragment))) }
    for item in recipe.overlay { #expect(HostFiles.exists(project.path(item.from))) }
    let patches = project.path(try #require(recipe.patches))
    #expect(HostFiles.names(in: patches).contains { $0.hasSuffix(".patch") })
    #expect(recipe.tarball?.address.contains("{") == false)
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
      try KernelRecipe.parse(text + "    patches: \(path)\n", file: "kernel.yaml")
    }
  }

  @Test func missingKeyIsNamed() {
    let error = #expect(throws: ArtifactError.self) {
      try KernelRecipe.parse(
        "crossbar: crossbar.kernel/1\ndefault: a\nflavours:\n  - name: a\n", file: "kernel.yaml")
    }
    #expect(error?.message == "kernel.yaml:4: `series` is missing")
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
