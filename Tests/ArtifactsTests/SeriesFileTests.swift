// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Artifacts

@Suite struct SeriesFileTests {
  private let text = """
    # The series.

    0001-gpu.patch drivers/gpu include/gpu.h
    # Hooks only.
    0002-hook.patch
    0003-more.patch drivers/gpu/more.c   # a file in the directory of another patch
    # The end.

    """

  private func parse(_ text: String) throws(ArtifactError) -> SeriesFile {
    try SeriesFile(text: text, name: "p/series")
  }

  @Test func linesArePatchesWithTheFilesThatCameWithThem() throws {
    let series = try parse(text)
    #expect(
      series.entries.map(\.patch) == ["0001-gpu.patch", "0002-hook.patch", "0003-more.patch"])
    #expect(series.entries.map(\.line) == [3, 5, 6])
    #expect(series.entries[0].files == ["drivers/gpu", "include/gpu.h"])
    #expect(series.entries[1].files.isEmpty)
    #expect(series.entries[2].files == ["drivers/gpu/more.c"])
    #expect(series.entries[1].comments == ["# Hooks only."])
    #expect(series.trailer == ["# The end."])
  }

  @Test func theMostSpecificPathDecidesWhoseAFileIs() throws {
    let series = try parse(text)
    #expect(series.owner(of: "drivers/gpu/a.c")?.entry == 0)
    #expect(series.owner(of: "drivers/gpu/more.c")?.entry == 2)
    #expect(series.owner(of: "include/gpu.h")?.word == "include/gpu.h")
    #expect(series.owner(of: "drivers/gpux.c") == nil)
    #expect(series.owner(of: "drivers") == nil)
  }

  @Test func whatIsWrittenIsReadAgain() throws {
    let plain = text.replacingOccurrences(
      of: "   # a file in the directory of another patch", with: "")
    #expect(try parse(plain).text == plain)
    #expect(try parse("").text.isEmpty)
  }

  @Test(arguments: [
    ("x\n", "p/series:1: `x` is not the name of a patch"),
    ("# x\n\na/b.patch\n", "p/series:3: `a/b.patch` is not the name of a patch"),
    ("a.patch\na.patch\n", "p/series:2: a.patch is in line 1 already"),
    ("a.patch x\nb.patch x\n", "p/series:2: `x` belongs to the patch of line 1 already"),
    ("a.patch ../x\n", "p/series:1: `../x` is no path inside of the kernel tree"),
    ("a.patch /x\n", "p/series:1: `/x` is no path inside of the kernel tree"),
    ("a.patch x/\n", "p/series:1: `x/` is no path inside of the kernel tree"),
    ("a.patch .\n", "p/series:1: `.` is no path inside of the kernel tree"),
  ])
  func aWrongLineIsNamed(text: String, message: String) {
    let error = #expect(throws: ArtifactError.self) { try parse(text) }
    #expect(error?.message == message)
    #expect(error?.kind == .input)
    #expect(error?.mend.isEmpty == false)
  }

  @Test func aNewDirectoryStandsForAllThatIsInIt() {
    let directories: Set = ["drivers", "drivers/misc", "mm", "include", "include/linux"]
    let words = SeriesWriter.words(
      for: [
        ["drivers/misc/gpu/a.c", "drivers/misc/gpu/tests/t.c", "include/linux/gpu.h"],
        [],
        ["drivers/misc/gpu/late.c", "drivers/misc/gpu/late/l.c", "mm/map.c", "new/x/y.c"],
      ], directories: directories)
    #expect(
      words == [
        ["drivers/misc/gpu", "include/linux/gpu.h"],
        [],
        ["drivers/misc/gpu/late", "drivers/misc/gpu/late.c", "mm/map.c", "new"],
      ])
  }
}
