// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import Topology

@testable import Artifacts
@testable import Harness

@Suite struct ForeignRequestTests {
  private func refusal(
    _ topology: String = "switch", suite: Harness.Suite, xfstests: String?, only: [String] = []
  ) throws -> String? {
    var request = try shipped(topology, suite: suite)
    request.xfstests = xfstests
    request.only = only
    do {
      try request.check()
      return nil
    } catch {
      return error.description
    }
  }

  /// What Crossbar takes for a built tree.
  private func makeTree() throws -> String {
    let root = FileManager.default.temporaryDirectory.appending(path: "xfstests-\(UUID())")
    let files = FileManager.default
    for name in ["check", "common/rc", "ltp/fsstress", "tests/generic/group.list"] {
      let url = root.appending(path: name)
      try files.createDirectory(
        at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data("001 auto quick\n".utf8).write(to: url)
      chmod(url.path, 0o755)
    }
    return root.path
  }

  @Test func theSuiteXfstestsNeedsABuiltTree() throws {
    #expect(
      try refusal(suite: .xfstests, xfstests: nil)?.contains("name it with --xfstests DIR") == true)
    #expect(
      try refusal(suite: .xfstests, xfstests: "/nonexistent")?.hasPrefix("--xfstests: ") == true)
    #expect(try refusal(suite: .xfstests, xfstests: "/etc")?.contains("`check`") == true)
    let tree = try makeTree()
    defer { try? FileManager.default.removeItem(atPath: tree) }
    #expect(try refusal(suite: .xfstests, xfstests: tree) == nil)
    #expect(
      try refusal(suite: .xfstests, xfstests: tree, only: ["generic/9*"])?
        .contains("matches --only 'generic/9*'") == true)
    // One of several as well.
    #expect(
      try refusal(suite: .xfstests, xfstests: tree, only: ["generic/*", "raed", "generic/9*"])?
        .contains("matches --only 'raed' or --only 'generic/9*'. ") == true)
    #expect(
      try refusal("no-cmb", suite: .xfstests, xfstests: tree)?.contains("two namespaces")
        != (try shipped("no-cmb", suite: .xfstests).topology.namespaces.count >= 2))
  }

  @Test(arguments: [Harness.Suite.p2pdma, .gpu, .all, .regression])
  func aTreeForAnotherSuiteIsRefused(suite: Harness.Suite) throws {
    #expect(
      try refusal(suite: suite, xfstests: "/x")?.contains("--xfstests goes with --suite xfstests")
        == true)
  }

  @Test func programsOfOthersRunOnAnyTopologyAndNotInAll() throws {
    #expect(try refusal("viommu-switch", suite: .regression, xfstests: nil) == nil)
    #expect(!Harness.Suite.all.members.contains { $0.isForeign })
    #expect(try shipped("switch", suite: .p2pdma).initramfsAddition == nil)
  }

  @Test func eachCaseIsCalledAfterProgramAndVolume() throws {
    let recipe = try RegressionRecipe(
      text: """
        crossbar: crossbar.regression/1
        programs:
          - {name: fio, command: "/bin/fio --directory {dir}", cases: [{name: a, arguments: --x 1}]}
        """, file: "r.yaml")
    let cases = ForeignCase.cases(of: try #require(recipe.programs.first), on: ["ns0", "ns1"])
    #expect(cases.map(\.name) == ["fio.a.ns0", "fio.a.ns1"])
    #expect(cases.map(\.volume) == [0, 1])
    #expect(cases[0].command == ["/bin/fio", "--directory", "{dir}", "--x", "1"])
  }
}
