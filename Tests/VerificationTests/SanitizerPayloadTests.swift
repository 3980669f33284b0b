// SPDX-License-Identifier: Apache-2.0

import Testing
import Verification

/// `corruptPayload`, by the digests of a command.
@Suite struct SanitizerPayloadTests {
  private static func scene(
    _ operation: String, status: Int = 0, length: Int = 4096, value: String = "0x0",
    taken: String = "0x1234", given: String = "0x1234"
  ) -> Scene {
    var scene = Scene()
    scene.bind()
    scene.submit(1)
    scene.line(
      "fence",
      ",\"as\":0,\"fence\":1,\"op\":\"\(operation)\",\"status\":\(status),\"bytes\":\(length),"
        + "\"len\":\(length),\"value\":\"\(value)\",\"taken\":\"\(taken)\",\"given\":\"\(given)\"")
    scene.complete(1, status: status)
    return scene
  }

  @Test(arguments: ["copy", "fill"])
  func whatGoesOutIsWhatCameIn(operation: String) {
    #expect(Self.scene(operation).report.isClean)
    let corrupt = Self.scene(operation, given: "0x1235")
    #expect(corrupt.kinds == [.corruptPayload: 1])
    #expect(corrupt.report.findings.first?.lines == [2])
  }

  @Test func aChecksumIsTheOneOfWhatWasRead() {
    #expect(Self.scene("crc32c", value: "0x1234").report.isClean)
    #expect(Self.scene("crc32c", value: "0x1236").kinds == [.corruptPayload: 1])
    #expect(Self.scene("crc32c", value: "0x1236", given: "0x1236").kinds == [.corruptPayload: 1])
  }

  @Test func aComparisonIsRightAboutEquality() {
    #expect(Self.scene("compare", value: "0x1000").report.isClean)
    #expect(Self.scene("compare", value: "0x7", given: "0x1").report.isClean)
    #expect(Self.scene("compare", value: "0x7").kinds == [.corruptPayload: 1])
    #expect(Self.scene("compare", value: "0x1000", given: "0x1").kinds == [.corruptPayload: 1])
  }

  @Test func aCommandThatFailedOrHasNoPayloadIsNotLookedAt() {
    #expect(Self.scene("copy", status: 5, given: "0x1").report.isClean)
    #expect(Self.scene("atomic", given: "0x1").report.isClean)
    var without = Scene()
    without.bind()
    without.command(1)
    #expect(without.report.isClean)
  }

  @Test func digestsThatAreNoNumbersDamageTheLog() {
    #expect(Self.scene("copy", taken: "zz").kinds[.logDamaged] == 1)
  }
}
