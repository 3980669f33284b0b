// SPDX-License-Identifier: Apache-2.0

/// The commits of a series and what each does to which file: who brings what, and what could not be
/// kept as patches and new files.
struct SeriesHistory: Hashable, Sendable {
  /// What a commit does to a file.
  struct Change: Hashable, Sendable {
    let path: String
    /// Git's letter: added, modified, deleted, type changed.
    let status: Character
    /// Mode before and after; zeros for a file that is not there.
    let modes: [String]
    var isBinary = false
  }

  /// A commit.
  struct Commit: Hashable, Sendable {
    let id: String
    let subject: String
    var changes: [Change] = []

    /// How a message names it.
    var name: String { "\(id.prefix(12)) (\"\(subject)\")" }
  }

  /// In their order.
  let commits: [Commit]

  /// Arguments for git that make it print what `init(log:)` reads; a range of commits follows.
  static let logArguments = [
    "log", "--reverse", "--raw", "--numstat", "--no-abbrev", "--no-renames", "--no-ext-diff",
    "--no-textconv", "--format=tformat:commit %H %s",
  ]

  init(commits: [Commit]) {
    self.commits = commits
  }

  /// Reads what git printed.
  init(log lines: [String]) {
    var commits: [Commit] = []
    for line in lines {
      let words = line.split(separator: " ", maxSplits: 2).map(String.init)
      if words.first == "commit", words.count > 1 {
        commits.append(Commit(id: words[1], subject: words.count > 2 ? words[2] : ""))
        continue
      }
      guard let last = commits.indices.last else { continue }
      let fields = line.split(separator: "\t", maxSplits: 2).map(String.init)
      if line.hasPrefix(":"), fields.count == 2 {
        // :MODE MODE DIGEST DIGEST STATUS, then the path
        let head = fields[0].dropFirst().split(separator: " ")
        guard head.count == 5, let status = head[4].first else { continue }
        commits[last].changes.append(
          Change(path: fields[1], status: status, modes: head.prefix(2).map(String.init)))
      } else if fields.count == 3, fields[0] == "-" {
        for index in commits[last].changes.indices
        where commits[last].changes[index].path == fields[2] {
          commits[last].changes[index].isBinary = true
        }
      }
    }
    self.commits = commits
  }

  /// The files that each commit brings and that the kernel does not have, sorted.
  ///
  /// - Throws: `ArtifactError` of kind `input` that lists all commits that can't be kept as a patch
  ///   with new files in their final state.
  func newFiles() throws(ArtifactError) -> [[String]] {
    var problems = commits.flatMap(SeriesHistory.problems)
    var mends: Set<String> = problems.isEmpty ? [] : ["leave that out of the series"]
    var added: [[String]] = []
    // Which commit brought a file; nil for a file that the kernel has.
    var origins: [String: Int?] = [:]
    for (number, commit) in commits.enumerated() {
      added.append([])
      if let word = ["fixup!", "squash!", "amend!"].first(where: commit.subject.hasPrefix) {
        problems.append("\(commit.name) is a \(word.dropLast()) still")
        mends.insert("run `git rebase -i --autosquash \(KernelSeries.base)`")
      }
      for change in commit.changes {
        guard let known = origins[change.path] else {
          origins[change.path] = change.status == "A" ? .some(number) : .some(nil)
          if change.status == "A" { added[number].append(change.path) }
          continue
        }
        guard let first = known else { continue }
        let verb = change.status == "D" ? "removes" : "changes"
        problems.append(
          "\(commit.name) \(verb) \(change.path), which \(commits[first].name) adds")
        mends.insert(
          "new files are kept as they are in the end, so have the commit that adds one do it: "
            + "`git commit --fixup COMMIT`, then `git rebase -i --autosquash \(KernelSeries.base)`")
      }
    }
    guard problems.isEmpty else {
      let list = problems.prefix(10).joined(separator: "\n  ")
      let more = problems.count > 10 ? "\n  and \(problems.count - 10) more" : ""
      throw ArtifactError(
        .input, "the series can't be written as patches and new files:\n  \(list)\(more)",
        mend: mends.sorted().joined(separator: "; "))
    }
    return added.map { $0.sorted() }
  }

  private static func problems(of commit: Commit) -> [String] {
    commit.changes.compactMap { change in
      if change.isBinary { return "\(commit.name): \(change.path) is a binary file" }
      if change.path.hasPrefix("\"") || change.path.contains(where: \.isWhitespace) {
        return "\(commit.name): the name \(change.path) has characters that a series can't have"
      }
      let modes = change.modes.filter { $0 != "000000" }
      return modes.allSatisfy { $0.hasPrefix("100") }
        ? nil : "\(commit.name): \(change.path) is no regular file"
    }
  }
}
