// SPDX-License-Identifier: Apache-2.0

import SystemPackage

/// Fills a directory with a kernel's source and the commits of a series.
struct SeriesCheckout: Sendable {
  /// How many files git is told to add at once. It looks each up among those that it wrote to the
  /// same pack, one after the other.
  private static let batch = 4000

  let directory: FilePath
  let project: ProjectFiles
  let recipe: KernelRecipe
  let series: PatchSeries

  /// Makes all of it.
  ///
  /// - Parameters:
  ///   - tree: the unpacked source.
  ///   - origin: where that came from.
  ///   - progress: spans for what came before, copying, adding, committing, the rest.
  func make(
    from tree: FilePath, origin: String, progress: [ProgressSpan]
  ) async throws(ArtifactError) {
    try HostFiles.requireSpace(
      2 << 30, at: directory, for: "a kernel to work on", mend: "name a directory elsewhere")
    try await copy(tree, progress: progress[1])
    let repository = try GitRepository(workTree: directory, project: project)
    try await repository.run([
      "init", "--quiet", "--template=", "--initial-branch=\(KernelSeries.branch)",
    ])
    try await addAll(to: repository, progress: progress[2])
    let base = try await commitBase(in: repository, origin: origin)
    let last = try await commitSeries(in: repository, base: base, progress: progress[3])

    progress[4].report(0, "checking out")
    try await repository.run(["update-ref", "refs/tags/\(KernelSeries.base)", base])
    try await repository.run(["update-ref", "refs/heads/\(KernelSeries.branch)", last])
    // From the source to the series: only what the series changes is written.
    try await repository.run(["read-tree", "-m", "-u", base, last])
    let settings = [
      // Everything is in packs already.
      ("gc.auto", "0"),
      (KernelSeries.Setting.digest, try series.digest().description),
      // Last: without it a directory is not taken for one that is whole.
      (KernelSeries.Setting.flavour, recipe.name),
    ]
    for (name, value) in settings {
      try await repository.run(["config", "--local", name, value])
    }
  }

  /// Copies, and does not link: an editor may write into a file.
  private func copy(_ tree: FilePath, progress: ProgressSpan) async throws(ArtifactError) {
    progress.report(0, "copying the source")
    try HostFiles.makeDirectory(directory)
    let total = try EntryManifest.read(from: tree).fileCount
    let counter = LineCounter()
    try await Command(
      HostTool.require("cp", project: project),
      ["-a", "--verbose", "--reflink=auto", "--no-target-directory", tree.string, directory.string]
    ).check("copying the source", mend: "see whether \(tree) is whole") { _ in
      let count = counter.next()
      guard count.isMultiple(of: 500) else { return }
      progress.report(Double(count) / Double(max(total, 1)), "copying the source")
    }
    try HostFiles.remove(directory.appending(EntryManifest.fileName))
  }

  /// Adds every file, also those that the kernel tells git to ignore.
  private func addAll(
    to repository: GitRepository, progress: ProgressSpan
  ) async throws(ArtifactError) {
    progress.report(0, "adding the source to git")
    let paths = try await repository.run(["ls-files", "--others"])
    let list = directory.appending(".git/crossbar-paths")
    for start in stride(from: 0, to: paths.count, by: SeriesCheckout.batch) {
      let end = min(start + SeriesCheckout.batch, paths.count)
      try HostFiles.write(paths[start..<end].map { $0 + "\n" }.joined(), to: list)
      // What is as big as this goes straight into a pack instead of a file of its own.
      try await repository.run(
        ["-c", "core.bigFileThreshold=1", "update-index", "--add", "--stdin"], reading: list)
      progress.report(Double(end) / Double(paths.count), "adding the source to git")
    }
    try HostFiles.remove(list)
  }

  /// The same source gives the same commit: its date says nothing.
  private func commitBase(
    in repository: GitRepository, origin: String
  ) async throws(ArtifactError) -> String {
    let message = directory.appending(".git/crossbar-message")
    let version = try KernelTree(directory).version
    try HostFiles.write("Linux \(version)\n\nThe source from \(origin).\n", to: message)
    let environment = MailHeader(
      author: "Crossbar", email: "crossbar@localhost", date: "@0 +0000", subject: ""
    ).environment
    let commit = try await repository.line(
      ["commit-tree", repository.line(["write-tree"]), "-F", message.string],
      environment: environment)
    try HostFiles.remove(message)
    return commit
  }

  private func commitSeries(
    in repository: GitRepository, base: String, progress: ProgressSpan
  ) async throws(ArtifactError) -> String {
    let scratch = directory.appending(".git/crossbar")
    try HostFiles.makeDirectory(scratch)
    let index = scratch.appending("index")
    try HostFiles.write(HostFiles.read(directory.appending(".git/index")), to: index)
    let commits = try await SeriesCommits(
      repository: repository.with(index: index), scratch: scratch
    ).build(
      series.patches.map { .init(patch: $0.file, files: $0.files) }, onto: base,
      progress: progress)
    try HostFiles.remove(scratch)
    return commits.last ?? base
  }
}
