// SPDX-License-Identifier: Apache-2.0

import SystemPackage

/// Makes commits of patches and new files again and holds them against those that they came from, so
/// that nothing is lost on the way without a word.
struct SeriesProof: Sendable {
  /// Not the developer's.
  let repository: GitRepository
  let scratch: FilePath

  /// - Throws: `ArtifactError` of kind `input` that names the first commit that would be another one.
  func check(
    _ sources: [SeriesCommits.Source], against commits: [SeriesHistory.Commit], base: String,
    progress: ProgressSpan
  ) async throws(ArtifactError) {
    try await repository.run(["read-tree", base])
    let copies = try await SeriesCommits(repository: repository, scratch: scratch)
      .build(sources, onto: base, progress: progress)
    for (commit, copy) in zip(commits, copies) {
      let different = try await repository.run([
        "diff-tree", "-r", "--name-only", "--no-renames", commit.id, copy,
      ])
      guard different.isEmpty else {
        throw ArtifactError(
          .input,
          "\(commit.name) would not be the same after it was a patch; what differs: "
            + different.prefix(5).joined(separator: ", "),
          mend: "see whether `git format-patch` and `git am` keep it")
      }
      guard try await text(of: commit.id) == text(of: copy) else {
        throw ArtifactError(
          .input, "the message or the author of \(commit.name) would not survive being mailed",
          mend: "reword it; a line that begins with `---` or `diff` ends the message of a mail")
      }
    }
  }

  private func text(of commit: String) async throws(ArtifactError) -> [String] {
    var lines = try await repository.run([
      "show", "--no-patch", "--date=raw", "--format=%an <%ae> %ad%n%B", commit,
    ])
    while lines.last?.allSatisfy(\.isWhitespace) == true { lines.removeLast() }
    return lines
  }
}
