// SPDX-License-Identifier: Apache-2.0

import SystemPackage

/// The commits of a series as mails, without the files that they bring.
struct SeriesMails: Sendable {
  /// How the mails are written: what would change from one day or one host to the next is left out.
  private static let format = [
    "format-patch", "--zero-commit", "--no-signature", "--no-numbered", "--no-renames",
    "--abbrev=12", "--always", "--no-thread", "--no-attach", "--no-cover-letter", "--no-base",
    "--no-signoff", "--no-ext-diff", "--no-textconv", "--diff-algorithm=myers",
    "--filename-max-length=64",
  ]

  /// Not the developer's: commits without new files are made here.
  let repository: GitRepository
  /// A directory for files that don't last.
  let scratch: FilePath

  /// Writes the mails.
  ///
  /// - Parameters:
  ///   - commits: the series.
  ///   - newFiles: what all of them bring.
  ///   - base: the commit before the first.
  ///   - directory: where the mails go.
  ///   - progress: receives a report for each commit.
  /// - Returns: the names of the mails, in the order of the commits.
  func write(
    _ commits: [SeriesHistory.Commit], without newFiles: [String], onto base: String,
    to directory: FilePath, progress: ProgressSpan
  ) async throws(ArtifactError) -> [String] {
    var parent = base
    for (number, commit) in commits.enumerated() {
      progress.report(Double(number) / Double(commits.count), "reading \(commit.subject)")
      parent = try await strip(commit.id, of: newFiles, parent: parent)
    }
    try await repository.run(
      SeriesMails.format + ["-o", directory.string, "\(base)..\(parent)"])
    let names = HostFiles.names(in: directory).filter { $0.hasSuffix(".patch") }
    guard names.count == commits.count else {
      throw ArtifactError(
        .tool, "git format-patch wrote \(names.count) patches for \(commits.count) commits",
        mend: "see whether `git format-patch \(KernelSeries.base)` does")
    }
    return names
  }

  /// The commit on another parent, without some of its files.
  private func strip(
    _ commit: String, of files: [String], parent: String
  ) async throws(ArtifactError) -> String {
    try await repository.run(["read-tree", commit])
    if !files.isEmpty {
      try await repository.run(["update-index", "--force-remove", "--"] + files)
    }
    let tree = try await repository.line(["write-tree"])
    let lines = try await repository.run(["cat-file", "commit", commit])
    let end = lines.firstIndex(of: "") ?? lines.endIndex
    // A signature would not be true of it.
    let kept = lines[..<end].filter { line in
      ["author ", "committer ", "encoding "].contains { line.hasPrefix($0) }
    }
    let text = (["tree \(tree)", "parent \(parent)"] + kept + lines[end...])
      .map { $0 + "\n" }.joined()
    let file = scratch.appending("commit")
    try HostFiles.write(text, to: file)
    return try await repository.line(
      ["hash-object", "-t", "commit", "-w", "--stdin"], reading: file)
  }
}
