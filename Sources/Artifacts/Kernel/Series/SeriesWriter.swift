// SPDX-License-Identifier: Apache-2.0

import SystemPackage

/// Writes patches, new files and the series file into the project: only what changed, and removes what
/// is gone.
struct SeriesWriter {
  let recipe: KernelRecipe
  let project: ProjectFiles
  /// What the project has so far.
  let former: PatchSeries

  private let seriesName: String
  private let formerFile: SeriesFile

  init(
    recipe: KernelRecipe, project: ProjectFiles, former: PatchSeries
  ) throws(ArtifactError) {
    guard let file = former.file else {
      throw ArtifactError(
        .input, "flavour \(recipe.name) has no series", mend: "give it one in \(KernelRecipe.file)")
    }
    self.recipe = recipe
    self.project = project
    self.former = former
    seriesName = file.name
    formerFile = file
  }

  /// Writes everything.
  ///
  /// - Parameters:
  ///   - sources: patches and new files, in their order.
  ///   - directories: all directories of the kernel's own source.
  /// - Throws: `ArtifactError` of kind `input` before anything is written, when `kernel.yaml` counts
  ///   on what the series does not have any more.
  func write(
    _ sources: [SeriesCommits.Source], directories: Set<String>
  ) throws(ArtifactError) -> KernelSeries.Exported {
    let series = file(for: sources, directories: directories)
    try checkRecipes(against: series, paths: sources.flatMap { $0.files.map(\.path) })
    var changed = Changes(project: project)

    let place = project.path(seriesName).removingLastComponent()
    for source in sources {
      try changed.write(
        HostFiles.read(source.patch.path), to: place.appending(source.patch.name)
      ) { old, new in
        SeriesWriter.withoutDigests(old) == SeriesWriter.withoutDigests(new)
      }
      for new in source.files {
        try changed.write(
          HostFiles.read(new.source), to: target(of: new.path),
          executable: HostFiles.isExecutable(new.source))
      }
    }
    if series != formerFile {
      try changed.write(Array(series.text.utf8), to: project.path(seriesName))
    }
    for patch in former.all {
      if !sources.contains(where: { $0.patch.name == patch.name }) {
        try changed.remove(patch.file.path, upTo: place)
      }
      let kept = Set(sources.flatMap { $0.files.map(\.path) })
      for file in patch.files where !kept.contains(file.path) {
        try changed.remove(file.source, upTo: project.path(recipe.files ?? ""))
      }
    }
    return KernelSeries.Exported(
      patches: sources.map(\.patch.name), written: changed.written.sorted(),
      removed: changed.removed.sorted())
  }

  /// The series file; the former one, to the letter, if it says the same.
  private func file(
    for sources: [SeriesCommits.Source], directories: Set<String>
  ) -> SeriesFile {
    let added = sources.map { $0.files.map(\.path) }
    let names = sources.map(\.patch.name)
    let isSame =
      names == formerFile.entries.map(\.patch)
      && added.enumerated().allSatisfy { number, paths in
        Set(paths) == Set(former.all[number].files.map(\.path))
      }
    if isSame { return formerFile }
    let words = SeriesWriter.words(for: added, directories: directories)
    // What a person wrote stays as far as it is still true.
    let kept = file(names: names) { number, former in
      let known = (former?.files ?? []).filter { word in
        added[number].contains { $0 == word || $0.hasPrefix(word + "/") }
      }
      let rest = words[number].filter { word in
        added[number].contains { path in
          (path == word || path.hasPrefix(word + "/"))
            && !known.contains { path == $0 || path.hasPrefix($0 + "/") }
        }
      }
      return (known + rest).sorted()
    }
    let isTrue = added.enumerated().allSatisfy { number, paths in
      paths.allSatisfy { kept.owner(of: $0)?.entry == number }
    }
    return isTrue ? kept : file(names: names) { number, _ in words[number] }
  }

  /// A series file of these patches with the comments of the former one: those at its head, and those
  /// above a patch that it has, too.
  private func file(
    names: [String], words: (_ number: Int, _ former: SeriesFile.Entry?) -> [String]
  ) -> SeriesFile {
    let header = formerFile.entries.first?.comments ?? formerFile.trailer
    let entries = names.enumerated().map { number, name in
      let plain = SeriesWriter.withoutNumber(name)
      let index = formerFile.entries.firstIndex { SeriesWriter.withoutNumber($0.patch) == plain }
      let same = index.map { formerFile.entries[$0] }
      let own = index == 0 ? [] : same?.comments ?? []
      return SeriesFile.Entry(
        patch: name, files: words(number, same), comments: (number == 0 ? header : []) + own)
    }
    return SeriesFile(
      name: seriesName, entries: entries,
      trailer: formerFile.entries.isEmpty ? [] : formerFile.trailer)
  }

  /// What the series file says of the new files of each patch: a directory that the kernel does not
  /// have stands for all that is in it, behind the first patch that brings something there.
  static func words(for added: [[String]], directories: Set<String>) -> [[String]] {
    var owners: [String: Int] = [:]
    for (number, paths) in added.enumerated() {
      for path in paths {
        for parent in parents(of: path) where !directories.contains(parent) {
          owners[parent] = owners[parent] ?? number
        }
      }
    }
    return added.enumerated().map { number, paths in
      let words = paths.map { path in parents(of: path).first { owners[$0] == number } ?? path }
      return Set(words).sorted()
    }
  }

  /// The directories above a path, the topmost first.
  private static func parents(of path: String) -> [String] {
    let parts = path.split(separator: "/")
    return parts.indices.dropFirst().map { parts[..<$0].joined(separator: "/") }
  }

  private func target(of path: String) throws(ArtifactError) -> FilePath {
    if let overlay = recipe.overlay.first(where: { $0.to == path }) {
      return project.path(overlay.from)
    }
    guard let files = recipe.files else {
      throw ArtifactError(
        .input, "flavour \(recipe.name) has no directory for the new file \(path)",
        mend: "name one as `files` in \(KernelRecipe.file)")
    }
    return project.path(files).appending(path)
  }

  /// Whether all flavours find what they name.
  private func checkRecipes(
    against series: SeriesFile, paths: [String]
  ) throws(ArtifactError) {
    let yaml = project.path(KernelRecipe.file)
    let recipes = try KernelRecipe.parse(HostFiles.text(yaml), file: KernelRecipe.file).recipes
    for recipe in recipes where recipe.series == seriesName {
      _ = try PatchSeries.count(of: recipe, in: series)
      for overlay in recipe.overlay where !paths.contains(overlay.to) {
        throw ArtifactError(
          .input,
          "\(KernelRecipe.file): flavour \(recipe.name) takes \(overlay.from) for "
            + "\(overlay.to), which the series does not have any more",
          mend: "take the overlay out there first")
      }
    }
  }

  /// `0001-misc-add-x.patch` without its number.
  private static func withoutNumber(_ name: String) -> Substring {
    name.drop { $0.isNumber }
  }

  /// A patch without the digests of its `index` lines: they say which files it was made from, and
  /// change with every patch level of the kernel.
  static func withoutDigests(_ patch: [UInt8]) -> [Substring] {
    String(decoding: patch, as: UTF8.self)
      .split(separator: "\n", omittingEmptySubsequences: false)
      .map { $0.hasPrefix("index ") && $0.contains("..") ? Substring(indexLine($0)) : $0 }
  }

  /// `index 1234..5678 100644` as `index 100644`.
  private static func indexLine(_ line: Substring) -> String {
    line.split(separator: " ").filter { !$0.contains("..") }.joined(separator: " ")
  }
}

/// What was done to the project's files.
private struct Changes {
  let project: ProjectFiles
  var written: [String] = []
  var removed: [String] = []

  mutating func write(
    _ bytes: [UInt8], to path: FilePath, executable: Bool = false,
    unless isSame: (_ old: [UInt8], _ new: [UInt8]) -> Bool = { $0 == $1 }
  ) throws(ArtifactError) {
    if HostFiles.exists(path), try isSame(HostFiles.read(path), bytes),
      HostFiles.isExecutable(path) == executable
    {
      return
    }
    try HostFiles.makeDirectory(path.removingLastComponent())
    try HostFiles.remove(path)
    try HostFiles.write(
      bytes, to: path, mode: FilePermissions(rawValue: executable ? 0o755 : 0o644))
    written.append(project.name(of: path))
  }

  /// Removes a file and the directories that it leaves empty.
  mutating func remove(_ path: FilePath, upTo top: FilePath) throws(ArtifactError) {
    try HostFiles.remove(path)
    removed.append(project.name(of: path))
    var directory = path.removingLastComponent()
    while directory != top, directory.starts(with: top), HostFiles.names(in: directory).isEmpty {
      try HostFiles.remove(directory)
      directory.removeLastComponent()
    }
  }
}
