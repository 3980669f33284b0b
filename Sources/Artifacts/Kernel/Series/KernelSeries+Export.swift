// SPDX-License-Identifier: Apache-2.0

import Foundation
import SystemPackage

extension KernelSeries {
  /// What an export did to the project.
  public struct Exported: Hashable, Sendable, Encodable {
    /// All patches, in their order.
    public let patches: [String]
    /// Files that were written, relative to the project.
    public let written: [String]
    /// Files that were removed, relative to the project.
    public let removed: [String]
  }

  /// Writes the commits of a directory that `edit` made back as patches and new files.
  ///
  /// - Parameters:
  ///   - directory: the directory, with everything committed.
  ///   - force: also when the project's series changed since the directory was made.
  ///   - progress: receives reports.
  /// - Returns: what changed in the project; nothing if the commits say what it says.
  /// - Throws: `ArtifactError`, of kind `input` for commits that patches and new files can't
  ///   represent. Then the project is as it was.
  public func export(
    _ directory: FilePath, force: Bool = false,
    progress: @escaping ArtifactProgressHandler = { _ in }
  ) async throws(ArtifactError) -> Exported {
    let span = ProgressSpan(label: "series in \(directory)", handler: progress)
    let parts = span.parts(weights: [1, 4, 4, 1])
    guard !project.isInstalled else {
      throw ArtifactError(
        .input, "the series of an installed crossbar, in \(project.root), is not for changing",
        mend: "run bin/crossbar in your source tree, where `make build` puts it")
    }
    let repository = try await repository(of: directory)
    let recipe = try await recipe(of: repository, directory: directory)
    let series = try PatchSeries(of: recipe, project: project)
    try await requireUnchanged(series, recipe, since: repository, force: force)
    try await repository.requireQuiet()

    parts[0].report(0, "reading the commits")
    let base = try await repository.requireBase()
    let history = SeriesHistory(
      log: try await repository.run(SeriesHistory.logArguments + ["\(base)..HEAD"]))
    guard !history.commits.isEmpty else {
      throw ArtifactError(
        .input, "\(directory) has no commit after `\(KernelSeries.base)`, so nothing to export",
        mend: "commit your work; to give up the series, remove it from \(KernelRecipe.file)")
    }
    let newFiles = try history.newFiles()

    let scratch = try await repository.scratchDirectory()
    defer { try? HostFiles.remove(scratch) }
    let mails = scratch.appending("mails")
    try HostFiles.makeDirectory(mails)
    let copy = try await repository.scratch(in: scratch.appending("git"))
    let names = try await SeriesMails(repository: copy, scratch: scratch).write(
      history.commits, without: newFiles.flatMap(\.self), onto: base, to: mails,
      progress: parts[1])
    let sources = zip(names, newFiles).map { name, files in
      SeriesCommits.Source(
        patch: PatchFile(path: mails.appending(name), name: name),
        files: files.map {
          PatchSeries.NewFile(path: $0, source: repository.workTree.appending($0))
        })
    }
    try await SeriesProof(repository: copy, scratch: scratch).check(
      sources, against: history.commits, base: base, progress: parts[2])

    parts[3].report(0, "writing")
    let writer = try SeriesWriter(recipe: recipe, project: project, former: series)
    let directories = try await repository.run(["ls-tree", "-r", "-d", "--name-only", base])
    let exported = try writer.write(sources, directories: Set(directories))
    let digest = try PatchSeries(of: recipe, project: project).digest()
    try await repository.run(["config", "--local", Setting.digest, digest.description])
    span.report(1, "ready")
    return exported
  }

  private func repository(of directory: FilePath) async throws(ArtifactError) -> GitRepository {
    guard HostFiles.isDirectory(directory) else {
      throw ArtifactError(
        .input, "there is no directory \(directory)",
        mend: "name one that `crossbar kernel edit` made")
    }
    let here = try GitRepository(workTree: HostFiles.absolute(directory), project: project)
    guard try await here.setting(Setting.flavour) != nil else {
      throw ArtifactError(
        .input, "\(directory) was not made by `crossbar kernel edit`",
        mend: "make one with it, and fetch or cherry-pick your commits into that")
    }
    let top = try await here.line(["rev-parse", "--show-toplevel"])
    return try GitRepository(workTree: FilePath(top), project: project)
  }

  private func recipe(
    of repository: GitRepository, directory: FilePath
  ) async throws(ArtifactError) -> KernelRecipe {
    let flavour = try await repository.setting(Setting.flavour)
    let recipe = try KernelRecipe.load(flavour, project: project)
    guard recipe.series != nil, recipe.until == nil else {
      throw ArtifactError(
        .input,
        "\(directory) has flavour \(recipe.name), which takes only a part of the series",
        mend: "export from a directory of a flavour that takes all of it")
    }
    return recipe
  }

  private func requireUnchanged(
    _ series: PatchSeries, _ recipe: KernelRecipe, since repository: GitRepository, force: Bool
  ) async throws(ArtifactError) {
    guard !force else { return }
    let known = try await repository.setting(Setting.digest)
    guard try known != series.digest().description else { return }
    throw ArtifactError(
      .input,
      "\(series.file?.name ?? "the series") or its files changed since "
        + "\(repository.workTree) was made, and would change back",
      mend:
        "make another directory with `crossbar kernel edit` and cherry-pick your commits there, "
        + "or overwrite the project's with --force")
  }
}

extension GitRepository {
  /// A new directory for what does not last, which no commit will ever have.
  func scratchDirectory() async throws(ArtifactError) -> FilePath {
    let path = try await line([
      "rev-parse", "--path-format=absolute", "--git-path", "crossbar-\(UUID().uuidString)",
    ])
    try HostFiles.makeDirectory(FilePath(path))
    return FilePath(path)
  }

  /// Refuses a work tree with anything that is not committed, and one amid a rebase.
  func requireQuiet() async throws(ArtifactError) {
    for name in ["rebase-merge", "rebase-apply", "MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD"] {
      let path = try await line(["rev-parse", "--path-format=absolute", "--git-path", name])
      guard !HostFiles.exists(FilePath(path)) else {
        throw ArtifactError(
          .input, "\(workTree) is amid a rebase, a merge or the like",
          mend: "end it first; see `git status`")
      }
    }
    let dirty = try await run(["status", "--porcelain", "--untracked-files=all"])
    guard !dirty.isEmpty else { return }
    let more = dirty.count > 10 ? "\n  and \(dirty.count - 10) more" : ""
    throw ArtifactError(
      .input,
      "\(workTree) has changes that are not committed:\n  "
        + dirty.prefix(10).joined(separator: "\n  ") + more,
      mend: "commit them, or take them back")
  }

  /// The commit that the series begins after; refuses a history that is no line from there.
  func requireBase() async throws(ArtifactError) -> String {
    let tag = KernelSeries.base
    guard let base = try await commit("refs/tags/\(tag)") else {
      throw ArtifactError(
        .input, "\(workTree) has no tag `\(tag)`",
        mend: "tag the commit of the kernel's own source with it")
    }
    guard try await succeeds(["merge-base", "--is-ancestor", base, "HEAD"]) else {
      throw ArtifactError(
        .input, "what is checked out in \(workTree) does not stand on the tag `\(tag)`",
        mend: "check out the branch of the series (\(KernelSeries.branch))")
    }
    if let merge = try await run(["log", "--merges", "--format=%h (\"%s\")", "\(base)..HEAD"]).first
    {
      throw ArtifactError(
        .input, "the series has a merge, \(merge)",
        mend: "make it a line of commits: `git rebase \(tag)`")
    }
    return base
  }
}
