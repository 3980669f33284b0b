// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Artifacts

@Suite struct KernelConfigTests {
  private func config(_ text: String) throws -> KernelConfig {
    try KernelConfig(fragments: [(text, "base.config")])
  }

  @Test func everythingThatSurvivedIsFine() throws {
    let wanted = try config("# why\nCONFIG_PCI=y\n\n# CONFIG_DRM is not set\nCONFIG_NR_CPUS=16\n")
    let final = KernelConfig(dotConfig: "CONFIG_PCI=y\nCONFIG_NR_CPUS=16\nCONFIG_MORE=y\n")
    #expect(try wanted.verifySurvived(in: final, tree: "Linux").isEmpty)
  }

  @Test func lostOptionIsNamedWithFileAndLine() throws {
    let wanted = try config("CONFIG_PCI=y\nCONFIG_PCI_P2PDMA=y\n")
    let final = KernelConfig(dotConfig: "CONFIG_PCI=y\n# CONFIG_PCI_P2PDMA is not set\n")
    let error = #expect(throws: ArtifactError.self) {
      try wanted.verifySurvived(in: final, tree: "Linux 7.2.0")
    }
    #expect(error?.kind == .configuration)
    #expect(error?.message.contains("base.config:2: CONFIG_PCI_P2PDMA=y") == true)
    #expect(error?.message.contains("# CONFIG_PCI_P2PDMA is not set") == true)
  }

  @Test func anotherValueIsALossToo() throws {
    let wanted = try config("CONFIG_EXT4_FS=y\n# CONFIG_XFS_FS is not set\n")
    let final = KernelConfig(dotConfig: "CONFIG_EXT4_FS=m\nCONFIG_XFS_FS=y\n")
    #expect(wanted.lost(in: final).map(\.name) == ["CONFIG_EXT4_FS", "CONFIG_XFS_FS"])
  }

  @Test func toleratedLossIsReported() throws {
    let wanted = try config("CONFIG_IVGPU=y\n")
    let lost = try wanted.verifySurvived(
      in: KernelConfig(dotConfig: ""), tree: "Linux", tolerated: ["CONFIG_IVGPU"])
    #expect(lost.map(\.name) == ["CONFIG_IVGPU"])
  }

  @Test func laterFragmentWins() throws {
    let wanted = try KernelConfig(fragments: [
      ("CONFIG_A=y\n", "one.config"), ("# CONFIG_A is not set\n", "two.config"),
    ])
    #expect(wanted.lost(in: KernelConfig(dotConfig: "")).isEmpty)
  }

  @Test func lineThatIsNoOptionIsRefused() {
    let error = #expect(throws: ArtifactError.self) { try config("CONFIG_A=y\nCONFIG_B\n") }
    #expect(error?.message.hasPrefix("base.config:2: ") == true)
  }

  @Test func everyFragmentOfTheProjectIsReadable() throws {
    let directory = project.path("images/kernel/config")
    try #require(!HostFiles.names(in: directory).isEmpty)
    for name in HostFiles.names(in: directory) {
      let text = try HostFiles.text(directory.appending(name))
      #expect(try !KernelConfig(fragments: [(text, name)]).options.isEmpty)
    }
  }
}
