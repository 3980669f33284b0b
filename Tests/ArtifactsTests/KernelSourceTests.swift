// SPDX-License-Identifier: Apache-2.0

import SystemPackage
import Testing

@testable import Artifacts

@Suite struct KernelSourceTests {
  private func recipe(tarball: Bool = true) throws -> KernelRecipe {
    let text = """
      crossbar: crossbar.kernel/1
      default: a
      flavours:
        - name: a
          version: "7.2"
          package: linux-source-7.2
          suites: [one, two]
          config: [base.config]
      \(tarball ? "    tarball: {version: 7.2.13, url: \"https://k.example/linux-{version}.tar.xz\"}" : "")
      """
    return try #require(try KernelRecipe.parse(text, file: "kernel.yaml").recipes.first)
  }

  @Test func firstSuiteThatHasItIsTaken() throws {
    let origin = try KernelSource.choose(
      [("one", .lacks), ("two", .has(version: "7.2.13-1"))], recipe: recipe())
    #expect(origin == .debian(suite: "two", version: "7.2.13-1"))
  }

  @Test func anUnreachableSuiteDoesNotHideAnotherOne() throws {
    let origin = try KernelSource.choose(
      [("one", .unreachable("404")), ("two", .has(version: "7.2.1-1"))], recipe: recipe())
    #expect(origin == .debian(suite: "two", version: "7.2.1-1"))
  }

  @Test func tarballIsTakenWhenNoSuiteHasIt() throws {
    let origin = try KernelSource.choose(
      [("one", .lacks), ("two", .unreachable("404"))], recipe: recipe())
    guard case .kernelOrg(let tarball) = origin else {
      Issue.record("\(origin)")
      return
    }
    #expect(tarball.address == "https://k.example/linux-7.2.13.tar.xz")
  }

  @Test func tarballIsTakenOnAHostWithoutADebianMirror() throws {
    guard case .kernelOrg = try KernelSource.choose([], recipe: recipe()) else {
      Issue.record("not the tarball")
      return
    }
  }

  @Test func brokenNetworkIsNamedWithItsReasons() throws {
    let recipe = try recipe()
    let error = #expect(throws: ArtifactError.self) {
      try KernelSource.choose(
        [("one", .unreachable("no route")), ("two", .unreachable("no name"))], recipe: recipe)
    }
    #expect(error?.kind == .network)
    #expect(error?.message.contains("one: no route; two: no name") == true)
    #expect(error?.mend.contains("CROSSBAR_KERNEL_SOURCE") == true)
  }

  @Test func nothingLeftIsNamed() throws {
    let recipe = try recipe(tarball: false)
    let error = #expect(throws: ArtifactError.self) {
      try KernelSource.choose([("one", .lacks)], recipe: recipe)
    }
    #expect(error?.kind == .sourceNotFound)
  }

  @Test func checksumMustBeListedForThisName() {
    let sums = "-----BEGIN PGP SIGNED MESSAGE-----\n\nabc  linux-7.2.13.tar.xz\ndef  other.tar.xz\n"
    #expect(KernelSource.confirms(sums, digest: "abc", name: "linux-7.2.13.tar.xz"))
    #expect(!KernelSource.confirms(sums, digest: "def", name: "linux-7.2.13.tar.xz"))
    #expect(!KernelSource.confirms("", digest: "abc", name: "linux-7.2.13.tar.xz"))
  }

  @Test func givenTarballIsTakenWithoutANetwork() async throws {
    let directory = try TemporaryDirectory()
    let tarball = try directory.write("linux.tar.xz", "not really")
    let source = KernelSource(
      recipe: try recipe(), project: project, store: ArtifactStore(root: directory.path),
      given: tarball)
    let entry = try await source.resolve(progress: ProgressRecorder().span())
    #expect(try HostFiles.text(entry.appending("linux.tar.xz")) == "not really")
    #expect(try HostFiles.text(entry.appending("origin.txt")) == "\(tarball)\n")
  }
}
