// SPDX-License-Identifier: Apache-2.0

import SystemPackage

/// The patches that a flavour takes, each with the new files that belong to it: existing files of the
/// kernel are changed by patches, new ones lie in the project as files.
struct PatchSeries: Hashable, Sendable {
  /// A file that the kernel does not have.
  struct NewFile: Hashable, Sendable {
    /// Where it goes, relative to the kernel tree.
    let path: String
    /// Where it lies, an absolute path.
    let source: FilePath
  }

  /// A patch.
  struct Patch: Hashable, Sendable {
    let file: PatchFile
    /// Sorted by their paths.
    let files: [NewFile]

    /// The last part of its path.
    var name: String { file.path.lastComponent?.string ?? "" }
  }

  /// All patches of the series file.
  let all: [Patch]
  /// How many of them the flavour takes, from the first one on.
  let count: Int
  /// The series file; nil for a kernel without patches.
  let file: SeriesFile?

  /// The patches that the flavour takes.
  var patches: ArraySlice<Patch> { all.prefix(count) }
  /// Their new files.
  var newFiles: [NewFile] { patches.flatMap(\.files) }

  /// Reads the series of a recipe and holds it against the directories.
  ///
  /// - Throws: `ArtifactError` of kind `input` for a patch or a new file that is missing, or that the
  ///   series does not have.
  init(of recipe: KernelRecipe, project: ProjectFiles) throws(ArtifactError) {
    guard let seriesPath = recipe.series else {
      (all, count, file) = ([], 0, nil)
      return
    }
    let series = try SeriesFile(
      text: HostFiles.text(project.path(seriesPath)), name: seriesPath)
    let directory = project.path(seriesPath).removingLastComponent()
    try PatchSeries.check(series, patchesIn: directory)
    let files = try PatchSeries.newFiles(of: recipe, in: series, project: project)
    all = series.entries.enumerated().map { index, entry in
      let path = directory.appending(entry.patch)
      return Patch(
        file: PatchFile(path: path, name: project.name(of: path)), files: files[index])
    }
    count = try PatchSeries.count(of: recipe, in: series)
    file = series
  }

  /// Changes whenever a patch, a new file, or what the series file says of them does.
  func digest() throws(ArtifactError) -> ArtifactKey {
    var key = ArtifactKey.Builder(kind: "series")
    for patch in all {
      try key.add(patch.name, file: patch.file.path)
      for file in patch.files { try key.add(file.path, file: file.source) }
    }
    return key.key()
  }

  /// How many patches of a series a flavour takes.
  ///
  /// - Throws: `ArtifactError` of kind `input` when its `until` names none.
  static func count(of recipe: KernelRecipe, in series: SeriesFile) throws(ArtifactError) -> Int {
    guard let until = recipe.until else { return series.entries.count }
    guard
      let last = series.entries.firstIndex(where: { $0.patch == until || $0.files.contains(until) })
    else {
      throw ArtifactError(
        .input,
        "\(KernelRecipe.file): flavour \(recipe.name) takes patches until `\(until)`, "
          + "which \(series.name) does not have",
        mend: "write the name of a patch there, or one of the paths that follow it")
    }
    return last + 1
  }

  private static func check(
    _ series: SeriesFile, patchesIn directory: FilePath
  ) throws(ArtifactError) {
    let present = HostFiles.names(in: directory).filter { $0.hasSuffix(".patch") }
    for entry in series.entries where !present.contains(entry.patch) {
      throw ArtifactError(
        .input, "\(series.name):\(entry.line): there is no patch \(entry.patch)",
        mend: "add it beside the series, or take the line out")
    }
    for name in present where !series.entries.contains(where: { $0.patch == name }) {
      throw ArtifactError(
        .input, "\(series.name) does not have \(name), which lies beside it",
        mend: "add a line for it, or remove the patch")
    }
  }

  /// The new files of each patch.
  private static func newFiles(
    of recipe: KernelRecipe, in series: SeriesFile, project: ProjectFiles
  ) throws(ArtifactError) -> [[NewFile]] {
    var found: [[NewFile]] = Array(repeating: [], count: series.entries.count)
    var used: Set<String> = []
    for file in candidates(of: recipe, project: project) {
      guard let owner = series.owner(of: file.path) else {
        throw ArtifactError(
          .input,
          "\(series.name): \(project.name(of: file.source)) belongs to none of the patches",
          mend: "write `\(file.path)` behind the patch that it came with, or remove the file")
      }
      if let other = found.joined().first(where: { $0.path == file.path }) {
        throw ArtifactError(
          .input,
          "\(project.name(of: file.source)) and \(project.name(of: other.source)) both become "
            + "\(file.path)",
          mend: "take one of them out")
      }
      used.insert(owner.word)
      found[owner.entry].append(file)
    }
    for entry in series.entries {
      for word in entry.files where !used.contains(word) {
        throw ArtifactError(
          .input, "\(series.name):\(entry.line): `\(word)` names no new file",
          mend: "add it below \(recipe.files ?? "`files`"), or take it out of the line")
      }
    }
    return found.map { $0.sorted { $0.path < $1.path } }
  }

  private static func candidates(of recipe: KernelRecipe, project: ProjectFiles) -> [NewFile] {
    var files: [NewFile] = []
    if let directory = recipe.files.map(project.path) {
      files = HostFiles.regularFiles(below: directory).map {
        NewFile(path: $0, source: directory.appending($0))
      }
    }
    return files + recipe.overlay.map { NewFile(path: $0.to, source: project.path($0.from)) }
  }
}
