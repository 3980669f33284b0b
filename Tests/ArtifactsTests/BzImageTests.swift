// SPDX-License-Identifier: Apache-2.0

import SystemPackage
import Testing

@testable import Artifacts

@Suite struct BzImageTests {
  private func image(
    version: String = "7.2.13 (crossbar@crossbar) #1 SMP", protocolMinor: UInt8 = 15
  ) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: 0x400)
    bytes.replaceSubrange(0x202..<0x206, with: "HdrS".utf8)
    bytes[0x206] = protocolMinor
    bytes[0x207] = 2
    bytes[0x20F] = 0x01  // kernel_version: 0x100, so the text is at 0x300
    bytes[0x211] = 1  // LOADED_HIGH
    bytes[0x236] = 1  // XLF_KERNEL_64
    bytes.replaceSubrange(0x300..<(0x300 + version.utf8.count), with: version.utf8)
    return bytes
  }

  @Test func readsTheRelease() throws {
    let kernel = try BzImage(image(), name: "bzImage")
    #expect(kernel.release == "7.2.13")
    #expect(kernel.version == "7.2.13 (crossbar@crossbar) #1 SMP")
  }

  @Test(arguments: [
    (0x202, UInt8(0), "HdrS"), (0x206, 4, "boot protocol 2.4"), (0x211, 0, "zImage"),
    (0x236, 0, "64-bit"), (0x20F, 0xFF, "version text"), (0x20F, 0, "version text"),
    (0x300, 0x78, "version text is `x"),
  ])
  func refuses(_ offset: Int, _ value: UInt8, _ reason: String) {
    var bytes = image()
    bytes[offset] = value
    let error = #expect(throws: ArtifactError.self) { try BzImage(bytes, name: "k") }
    #expect(error?.kind == .input)
    #expect(error?.message.contains(reason) == true)
  }

  @Test func refusesAnELFFileByName() {
    let bytes = SyntheticELF.make() + [UInt8](repeating: 0, count: 1000)
    let error = #expect(throws: ArtifactError.self) { try BzImage(bytes, name: "vmlinux") }
    #expect(error?.message.contains("vmlinux") == true)
  }

  @Test func noLengthTraps() {
    let bytes = image()
    for length in 0..<bytes.count { _ = try? BzImage(Array(bytes[..<length]), name: "k") }
  }

  @Test func directoryAndMissingFileAreRefused() {
    #expect(throws: ArtifactError.self) { try BzImage(path: "/tmp") }
    #expect(throws: ArtifactError.self) { try BzImage(path: "/nowhere/bzImage") }
  }
}
