// SPDX-License-Identifier: Apache-2.0

import SystemPackage

/// Makes commits of patches and their new files, without a look at the work tree: what `git am` would
/// make of each patch, with its new files in the same commit.
struct SeriesCommits: Sendable {
  /// A patch to be made a commit of.
  struct Source: Sendable {
    let patch: PatchFile
    let files: [PatchSeries.NewFile]
  }

  /// With an index of its own, which is at the commit to build upon.
  let repository: GitRepository
  /// A directory for files that don't last.
  let scratch: FilePath

  /// A series on top of a commit.
  ///
  /// - Parameters:
  ///   - sources: the patches, in their order.
  ///   - base: the commit.
  ///   - progress: receives a report for each patch.
  /// - Returns: the commits, one a patch.
  func build(
    _ sources: [Source], onto base: String, progress: ProgressSpan
  ) async throws(ArtifactError) -> [String] {
    var commits: [String] = []
    for source in sources {
      progress.report(
        Double(commits.count) / Double(max(sources.count, 1)), "committing \(source.patch.name)")
      commits.append(try await commit(source, parent: commits.last ?? base))
    }
    return commits
  }

  private func commit(_ source: Source, parent: String) async throws(ArtifactError) -> String {
    let body = scratch.appending("body")
    let diff = scratch.appending("diff")
    let mend = "write it as `git format-patch` does"
    let lines = try await repository.run(
      ["mailinfo", "--encoding=UTF-8", body.string, diff.string], reading: source.patch.path,
      mend: mend)
    let mail = try MailHeader(lines, patch: source.patch, mend: mend)
    if try source.patch.hasDiff() {
      try await repository.run(
        ["apply", "--cached", diff.string],
        mend: "\(source.patch.name) does not apply; rebase it onto this version")
    }
    try await add(source.files)
    let tree = try await repository.line(["write-tree"])
    let text = try HostFiles.text(body)
    try HostFiles.write(
      mail.subject + "\n" + (text.isEmpty ? "" : "\n" + text), to: scratch.appending("message"))
    // The author for the committer as well, so that the same series gives the same commits.
    return try await repository.line(
      ["commit-tree", tree, "-p", parent, "-F", scratch.appending("message").string],
      environment: mail.environment)
  }

  private func add(_ files: [PatchSeries.NewFile]) async throws(ArtifactError) {
    guard !files.isEmpty else { return }
    let present = try await repository.run(["ls-files", "--"] + files.map(\.path))
    if let path = present.first {
      throw ArtifactError(
        .input, "\(path) is no new file: the kernel has it already",
        mend: "change it by a patch, and remove the file")
    }
    let digests = try await repository.run(
      ["hash-object", "-w", "--no-filters", "--"] + files.map(\.source.string))
    guard digests.count == files.count else {
      throw ArtifactError(
        .tool, "git hash-object answered \(digests.joined(separator: " "))",
        mend: "see what git says")
    }
    var entries: [String] = []
    for (file, digest) in zip(files, digests) {
      let mode = HostFiles.isExecutable(file.source) ? "100755" : "100644"
      entries += ["--cacheinfo", "\(mode),\(digest),\(file.path)"]
    }
    try await repository.run(["update-index", "--add"] + entries)
  }
}

/// Who wrote a mail with a patch, when, and what it is called.
struct MailHeader: Hashable, Sendable {
  let author: String
  let email: String
  let date: String
  let subject: String

  init(author: String, email: String, date: String, subject: String) {
    self.author = author
    self.email = email
    self.date = date
    self.subject = subject
  }

  /// Reads what `git mailinfo` prints.
  ///
  /// - Throws: `ArtifactError` of kind `input` for a patch that is no mail.
  init(_ lines: [String], patch: PatchFile, mend: String) throws(ArtifactError) {
    func value(_ name: String) throws(ArtifactError) -> String {
      let prefix = name + ": "
      guard let line = lines.first(where: { $0.hasPrefix(prefix) }) else {
        throw ArtifactError(.input, "\(patch.name) is no mail: it has no \(name)", mend: mend)
      }
      return String(line.dropFirst(prefix.count))
    }
    author = try value("Author")
    email = try value("Email")
    date = try value("Date")
    subject = try value("Subject")
  }

  /// Variables that make git write a commit of the author.
  var environment: [String: String] {
    [
      "GIT_AUTHOR_NAME": author, "GIT_AUTHOR_EMAIL": email, "GIT_AUTHOR_DATE": date,
      "GIT_COMMITTER_NAME": author, "GIT_COMMITTER_EMAIL": email, "GIT_COMMITTER_DATE": date,
    ]
  }
}
