// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Artifacts

@Suite struct SeriesHistoryTests {
  private static let first = String(repeating: "1", count: 40)
  private static let second = String(repeating: "2", count: 40)

  /// Two commits that touch these files, each `STATUS PATH` with modes where they are not plain.
  private func history(_ one: [String], _ two: [String], subject: String = "two") -> SeriesHistory {
    func raw(_ change: String) -> [String] {
      let words = change.split(separator: " ", maxSplits: 2).map(String.init)
      let mode = words.count > 2 ? words[2] : "100644"
      let before = words[0] == "A" ? "000000" : mode
      let after = words[0] == "D" ? "000000" : mode
      let counts = mode == "binary" ? "-\t-" : "1\t0"
      return [
        ":\(before) \(after) 0000 1111 \(words[0])\t\(words[1])"
          .replacingOccurrences(of: "binary", with: "100644"),
        "\(counts)\t\(words[1])",
      ]
    }
    let lines =
      ["commit \(Self.first) one", ""] + one.flatMap(raw)
      + ["commit \(Self.second) \(subject)", ""] + two.flatMap(raw)
    return SeriesHistory(log: lines)
  }

  @Test func commitsAndWhatTheyTouchAreRead() {
    let history = history(["A mm/map.c", "M mm/Makefile"], ["D mm/old.c"])
    #expect(history.commits.map(\.id) == [Self.first, Self.second])
    #expect(history.commits.map(\.subject) == ["one", "two"])
    #expect(history.commits[0].changes.map(\.path) == ["mm/map.c", "mm/Makefile"])
    #expect(history.commits[1].changes.first?.status == "D")
    #expect(history.commits[1].changes.first?.modes == ["100644", "000000"])
  }

  @Test func newFilesAreThoseThatTheKernelDoesNotHave() throws {
    let history = history(
      ["A mm/b.c", "A mm/a.c", "M mm/Makefile"], ["M mm/Makefile", "A tools/x.sh 100755"])
    #expect(try history.newFiles() == [["mm/a.c", "mm/b.c"], ["tools/x.sh"]])
  }

  @Test func aFileOfTheKernelMayGoAndComeBack() throws {
    #expect(try history(["D mm/Makefile"], ["A mm/Makefile"]).newFiles() == [[], []])
  }

  @Test(arguments: [("M", "changes"), ("D", "removes")])
  func aLaterChangeOfANewFileIsRefusedAndBothCommitsAreNamed(status: String, verb: String) {
    let history = history(["A mm/map.c"], ["\(status) mm/map.c"])
    let error = #expect(throws: ArtifactError.self) { try history.newFiles() }
    #expect(error?.kind == .input)
    #expect(
      error?.message.contains(
        "222222222222 (\"two\") \(verb) mm/map.c, which 111111111111 (\"one\") adds") == true)
    #expect(error?.mend.contains("--autosquash base") == true)
  }

  @Test(arguments: ["fixup! one", "squash! one", "amend! one"])
  func aCommitThatWaitsForAutosquashIsRefused(_ subject: String) {
    let history = history([], ["M mm/Makefile"], subject: subject)
    let error = #expect(throws: ArtifactError.self) { try history.newFiles() }
    #expect(error?.message.contains("is a \(subject.prefix { $0 != "!" }) still") == true)
  }

  @Test(arguments: [
    ("A logo.png binary", "logo.png is a binary file"),
    ("A link 120000", "link is no regular file"),
    ("M module 160000", "module is no regular file"),
    ("A \"odd\\tname\"", "has characters that a series can't have"),
  ])
  func whatNoPatchCanHoldIsRefused(change: String, sentence: String) {
    let error = #expect(throws: ArtifactError.self) { try history([], [change]).newFiles() }
    #expect(error?.message.contains(sentence) == true, "\(String(describing: error))")
  }

  @Test func allProblemsAreListedAtOnceButNoHundreds() {
    let names = (0..<30).map { "mm/\($0).c" }
    let history = history(names.map { "A \($0)" }, names.map { "M \($0)" })
    let error = #expect(throws: ArtifactError.self) { try history.newFiles() }
    #expect(error?.message.contains("mm/9.c") == true)
    #expect(error?.message.contains("mm/10.c") == false)
    #expect(error?.message.contains("and 20 more") == true)
  }
}
