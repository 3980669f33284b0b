// SPDX-License-Identifier: Apache-2.0

import Foundation
import GoldenData
import Testing

@testable import Verification

@Suite struct RawImageCheckTests {
  private func report(size: UInt64, extents: String) throws -> FileReport {
    let line = """
      # xbar {"t":"file","volume":"ns0","path":"/w/f","file":9,"size":\(size),"extents":\(extents),\
      "segments":[{"len":4096,"kind":"cells","file":9,"gen":3,"off":0},{"len":4096,"kind":"zeros"}]}
      """
    guard case .file(let report) = try ProgramEvent(line: line) else {
      throw ProtocolViolation("not a file")
    }
    return report
  }

  private let golden = GoldenFile(file: 9, generation: 3).bytes(from: 0, count: 4096)

  private func difference(_ extents: String, image: [UInt8]) throws -> String? {
    try RawImageCheck(report(size: 8192, extents: extents), limit: 1 << 20)
      .difference { offset, count in
        let start = min(Int(offset), image.count)
        return Array(image[start..<min(start + count, image.count)])
      }
  }

  @Test func contentIsFoundThroughExtentsAndHoles() throws {
    let image = [UInt8](repeating: 7, count: 512) + golden
    #expect(try difference("[[0,512,4096,0]]", image: image) == nil)
    #expect(try difference("[[0,512,4096,0],[4096,0,4096,1]]", image: image) == nil)
  }

  @Test func aWrongByteIsExplained() throws {
    var image = golden
    image[100] ^= 4
    let text = try #require(try difference("[[0,0,4096,0]]", image: image))
    #expect(text.contains("bit"))
  }

  @Test func aStaleBlockIsExplained() throws {
    let image = GoldenFile(file: 9, generation: 2).bytes(from: 0, count: 4096)
    let text = try #require(try difference("[[0,0,4096,0]]", image: image))
    #expect(text.contains("generation"))
  }

  @Test func anImageThatEndsTooEarlyDiffers() throws {
    #expect(try difference("[[0,1048576,4096,0]]", image: golden) != nil)
  }

  @Test(arguments: ["[[0,0]]", "[[0,0,4096,2]]", "[[0,18446744073709551615,4096,0]]"])
  func extentsThatCannotBeAreViolations(extents: String) {
    #expect(throws: ProtocolViolation.self) {
      _ = try RawImageCheck(report(size: 8192, extents: extents), limit: 1 << 20)
    }
  }

  @Test func aSizeThatTheContentDoesNotHaveIsAViolation() {
    #expect(throws: ProtocolViolation.self) {
      _ = try RawImageCheck(report(size: 1 << 40, extents: "[]"), limit: 1 << 20)
    }
  }
}
