// SPDX-License-Identifier: Apache-2.0

import GoldenData
import Testing
import Verification

@Suite struct RawImageCheckTests {
  private let file = GoldenFile(file: 7, generation: 2)

  /// An image with 8 KiB of the file at 1 MiB, and 4 KiB at 64 KiB; between them a hole.
  private func image() -> [UInt8] {
    var image = [UInt8](repeating: 0xEE, count: (1 << 20) + 16384)
    image.replaceSubrange((1 << 20)..<(1 << 20) + 8192, with: file.bytes(from: 0, count: 8192))
    image.replaceSubrange(65536..<69632, with: file.bytes(from: 12288, count: 4096))
    return image
  }

  private func check() throws -> RawImageCheck {
    let extents = try #require(
      ExtentMap([
        Extent(fileOffset: 0, diskOffset: 1 << 20, length: 8192),
        Extent(fileOffset: 12288, diskOffset: 65536, length: 4096),
        Extent(fileOffset: 16384, diskOffset: 0, length: 4096, unwritten: true),
      ]))
    let content = try #require(
      ExpectedContent([
        Segment(length: 8192, kind: .cells(file, offset: 0)),
        Segment(length: 4096, kind: .zeros),
        Segment(length: 4096, kind: .cells(file, offset: 12288)),
        Segment(length: 6000, kind: .zeros),
      ]))
    return try RawImageCheck(
      FileReport(
        volume: "ns0", path: "/w/x", file: 7, size: content.length, extents: extents,
        content: content), limit: 1 << 20)
  }

  private func difference(of image: [UInt8]) throws -> String? {
    try check().difference { offset, count in
      let start = Int(offset)
      return Array(image[min(start, image.count)..<min(start + count, image.count)])
    }
  }

  @Test func findsTheFileThroughItsExtents() throws {
    #expect(try difference(of: image()) == nil)
  }

  @Test func namesExtentAndDiskBlockOfTheFirstDifference() throws {
    var image = image()
    image.replaceSubrange(
      65536..<69632, with: GoldenFile(file: 7, generation: 1).bytes(from: 12288, count: 4096))
    let text = try #require(try difference(of: image))
    #expect(
      text.hasPrefix("4096 bytes at offset 12288 (extent 1, disk block 16) are stale: generation 1")
    )
  }

  @Test func anImageThatEndsTooEarlyLacksTheRest() throws {
    let text = try #require(try difference(of: Array(image().prefix((1 << 20) + 4096))))
    #expect(text.contains("at offset 4096"))
    #expect(text.contains("missing: the content ends too early"))
  }

  @Test func refusesFilesThatAreTooLarge() {
    #expect(throws: ProtocolViolation.self) {
      let content = try #require(ExpectedContent([Segment(length: 2 << 20, kind: .zeros)]))
      let map = try #require(ExtentMap([]))
      _ = try RawImageCheck(
        FileReport(
          volume: "ns0", path: "/w/x", file: 7, size: 2 << 20, extents: map, content: content),
        limit: 1 << 20)
    }
  }

  @Test func passesOnWhatTheReaderThrows() throws {
    struct Broken: Error {}
    let check = try check()
    #expect(throws: Broken.self) { try check.difference { _, _ in throw Broken() } }
  }
}
