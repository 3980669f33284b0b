// SPDX-License-Identifier: Apache-2.0

import SystemPackage
import Testing

@testable import Artifacts

@Suite struct RegressionRecipeTests {
  private func recipe(_ text: String) throws -> RegressionRecipe {
    try RegressionRecipe(text: "crossbar: crossbar.regression/1\n" + text, file: "r.yaml")
  }

  @Test func projectsOwnRecipeIsReadable() throws {
    let recipe = try RegressionRecipe.load(project: project)
    let test = try #require(recipe.kselftests.first { $0.name == "hmm-tests" })
    #expect(test.need?.reason.contains("CONFIG_TEST_HMM") == true)
    for program in recipe.programs {
      #expect(program.command.contains("{dir}"), "\(program.name)")
      #expect(!program.cases.isEmpty && program.cases.allSatisfy { !$0.arguments.isEmpty })
    }
    let stress = try #require(recipe.programs.first { $0.name == "stress-ng" })
    #expect(stress.command.contains("--verify") && stress.skipStatuses == [3, 4])
    for item in stress.cases { #expect(item.arguments.prefix(2) == ["--\(item.name)", "1"]) }
    #expect(recipe.kunit.map(\.name).contains("nvme_device_map"))
    #expect(recipe.kunit.first?.need.path == "/sys/kernel/debug/kunit/device_map/results")
    #expect(recipe.programs.contains { $0.name == "fio" && $0.command.contains("--do_verify") })
  }

  @Test(arguments: [
    "programs: [{name: a}]", "programs: [{name: a, command: sh}]",
    "programs: [{name: A, command: /bin/a}]", "programs: [{name: a/b, command: /bin/a}]",
    "programs: [{name: a, command: /bin/a, skip-statuses: [0]}]",
    "programs: [{name: a, command: /bin/a, limit: 0}]",
    "programs: [{name: a, command: /bin/a, needs: {path: /x}}]",
    "programs: [{name: a, command: /bin/a, cases: [{name: b}, {name: b}]}]",
    "programs: [{name: a, command: /bin/a}, {name: a, command: /bin/b}]",
    "kselftests: [{name: a}, {name: a}]", "surprise: 1", "kunit: [../a]",
    "kunit: [a]\nkselftests: [{name: kunit, sources: [a.c]}]",
  ])
  func refuses(_ text: String) {
    let error = #expect(throws: ArtifactError.self) { try recipe(text) }
    #expect(error?.message.hasPrefix("r.yaml:") == true)
  }

  @Test(arguments: ["initramfs-regression", "initramfs-xfstests"])
  func additionsToTheInitramfsAreReadableAndAddToIt(name: String) throws {
    func manifest(_ name: String) throws -> InitramfsManifest {
      try InitramfsManifest(
        text: HostFiles.text(project.path("images/guest/\(name).yaml")), file: name)
    }
    let base = try manifest("initramfs")
    let whole = base.adding(try manifest(name))
    #expect(whole.busybox == base.busybox)
    #expect(whole.programs.count > base.programs.count)
    #expect(whole.files.contains { $0.path == "/bin/volume" && $0.permissions == 0o755 })
  }
}
