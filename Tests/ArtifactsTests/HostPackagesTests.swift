// SPDX-License-Identifier: Apache-2.0

import SystemPackage
import Testing

@testable import Artifacts

@Suite struct HostPackagesTests {
  @Test func projectsListIsReadableAndNamesEachPackageOnce() throws {
    let packages = try HostPackages(project: project).packages
    #expect(Set(packages.map(\.name)).count == packages.count)
    #expect(packages.contains { $0.name == "qemu-system-x86" })
    #expect(packages.allSatisfy { $0.area != $0.why })
  }

  @Test func missingAreThoseWhoseProbeIsNotThere() throws {
    let list = try HostPackages(
      text: "# c\nthere\t/bin/sh\ta: x\ngone\t/nowhere/x\ta: y\nother\t/nowhere/y\tb: z\n",
      file: "p.txt")
    #expect(list.missing().map(\.name) == ["gone", "other"])
    #expect(list.missing(area: "a").map(\.name) == ["gone"])
    let error = #expect(throws: ArtifactError.self) { try list.require(area: "b") }
    #expect(error?.mend == "install it with `apt-get install other`")
  }

  @Test(arguments: ["gcc /usr/bin/gcc why", "gcc\tgcc\twhy", "gcc\t/usr/bin/gcc", "\t/a\tb"])
  func lineThatIsNoPackageIsRefused(_ line: String) {
    let error = #expect(throws: ArtifactError.self) {
      try HostPackages(text: "# comment\n\(line)\n", file: "p.txt")
    }
    #expect(error?.message.hasPrefix("p.txt:2: ") == true)
  }
}
