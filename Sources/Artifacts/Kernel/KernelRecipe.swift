// SPDX-License-Identifier: Apache-2.0

import SystemPackage

/// How one flavour of the guest kernel is made, as `images/kernel/kernel.yaml` says.
public struct KernelRecipe: Hashable, Sendable {
  /// The recipes.
  public static let file = "images/kernel/kernel.yaml"

  /// A new file of the kernel that lies elsewhere in the project, because others read it too.
  public struct Overlay: Hashable, Sendable {
    /// The file, relative to the project.
    public let from: String
    /// Where it goes, relative to the kernel tree.
    public let to: String
  }

  /// A release on kernel.org, for when no Debian suite has the series.
  public struct Tarball: Hashable, Sendable {
    /// Such as `7.2.13`.
    public let version: String
    /// Address of the compressed tarball; `{version}` stands for the version.
    public let url: String
    /// Expected SHA-256 in hexadecimal. Without it the tarball is compared with the
    /// `sha256sums.asc` that lies beside it, which only says that the download is complete.
    public let sha256: String?

    /// The address with the version filled in.
    public var address: String { Self.fill(url, version) }

    private static func fill(_ url: String, _ version: String) -> String {
      url.split(separator: "{version}", omittingEmptySubsequences: false)
        .joined(separator: version)
    }
  }

  /// Name of the flavour, which `--kernel` takes.
  public let name: String
  /// `VERSION.PATCHLEVEL` that the source must have; the sublevel moves on.
  public let version: String
  /// The Debian package with the source.
  public let package: String
  /// Debian suites that may have the package, in the order in which they are asked.
  public let suites: [String]
  /// The fallback.
  public let tarball: Tarball?
  /// Configuration fragments on top of `tinyconfig`, relative to the project, later ones win.
  public let fragments: [String]
  /// The list of patches, relative to the project; they lie beside it. Nil for a kernel without any.
  public let series: String?
  /// The last patch that this flavour takes, by its name or by something new that belongs to it; nil
  /// for the whole series.
  public let until: String?
  /// Directory of the new files that belong to patches, relative to the project.
  public let files: String?
  /// More of them, from elsewhere in the project.
  public let overlay: [Overlay]
  /// Options that exist only in a tree with the patches and their files.
  public let overlayOptions: [String]
  /// Paths of the source that no build of a flavour reads; they are not unpacked.
  public let exclude: [String]
  /// How many lines `make` prints for a whole build, measured: the length of the progress bar until
  /// a build of this host says better.
  public let steps: Int

  /// Reads the recipes.
  ///
  /// - Parameters:
  ///   - text: content of the YAML file.
  ///   - file: its name, for errors.
  /// - Returns: all recipes and the name of the default one.
  /// - Throws: `ArtifactError` of kind `input` with file and line.
  public static func parse(
    _ text: String, file: String
  ) throws(ArtifactError) -> (recipes: [KernelRecipe], standard: String) {
    var reader = try YAMLReader(text: text, file: file, schema: "crossbar.kernel/1")
    let standard = try reader.text("default")
    var recipes: [KernelRecipe] = []
    var flavours: [String: YAMLReader] = [:]
    for flavour in try reader.mappings("flavours") {
      var flavour = flavour
      let name = try flavour.text("name")
      if let base = try flavour.optionalText("base") {
        guard let former = flavours[base] else {
          throw flavour.error(
            "`\(name)` is based on `\(base)`, which is no flavour above it",
            mend: "name one of \(recipes.map(\.name).joined(separator: ", ")), or add it above")
        }
        flavour.inherit(from: former)
      }
      guard flavours.updateValue(flavour, forKey: name) == nil else {
        throw flavour.error("there is a flavour `\(name)` already", mend: "give it another name")
      }
      recipes.append(try KernelRecipe(flavour, name: name))
    }
    try reader.finish()
    guard recipes.contains(where: { $0.name == standard }) else {
      throw reader.error("the default flavour `\(standard)` is not in the list", mend: "add it")
    }
    return (recipes, standard)
  }

  /// The names of all flavours.
  public static func names(project: ProjectFiles) throws(ArtifactError) -> [String] {
    let path = project.path(file)
    return try parse(HostFiles.text(path), file: project.name(of: path)).recipes.map(\.name)
  }

  /// The recipe of a name, or the default one.
  ///
  /// - Throws: `ArtifactError` of kind `input` that lists the known names.
  public static func load(
    _ name: String?, project: ProjectFiles
  ) throws(ArtifactError) -> KernelRecipe {
    let path = project.path(file)
    let (recipes, standard) = try parse(HostFiles.text(path), file: project.name(of: path))
    let wanted = name ?? standard
    guard let recipe = recipes.first(where: { $0.name == wanted }) else {
      throw ArtifactError(
        .input, "there is no kernel flavour `\(wanted)`",
        mend: "choose one of \(recipes.map(\.name).joined(separator: ", ")), or name a bzImage")
    }
    return recipe
  }

  private init(_ flavour: YAMLReader, name: String) throws(ArtifactError) {
    var reader = flavour
    self.name = name
    version = try reader.text("version")
    package = try reader.text("package")
    suites = try reader.texts("suites")
    fragments = try reader.texts("config")
    series = try reader.optionalText("series")
    until = try reader.optionalText("until")
    files = try reader.optionalText("files")
    overlayOptions = try reader.texts("overlay-options")
    exclude = try reader.texts("exclude")
    steps = try reader.optionalNumber("steps") ?? 2000
    var overlay: [Overlay] = []
    for item in try reader.mappings("overlay") {
      var entry = item
      overlay.append(Overlay(from: try entry.text("from"), to: try entry.text("to")))
      try entry.finish()
    }
    self.overlay = overlay
    if var entry = try reader.optionalMapping("tarball") {
      tarball = Tarball(
        version: try entry.text("version"), url: try entry.text("url"),
        sha256: try entry.optionalText("sha256"))
      try entry.finish()
    } else {
      tarball = nil
    }
    try reader.finish()
    for path in [series, files].compactMap({ $0 }) + fragments
      + overlay.flatMap({ [$0.from, $0.to] })
    where FilePath(path).isAbsolute || FilePath(path).lexicallyNormalized().starts(with: "..") {
      throw reader.error("`\(path)` leads out of the tree", mend: "write a path inside of it")
    }
    guard !fragments.isEmpty else {
      throw reader.error("`\(name)` has no `config` fragment", mend: "name at least one")
    }
    guard series != nil || (until == nil && files == nil && overlay.isEmpty) else {
      throw reader.error(
        "`\(name)` has `until`, `files` or `overlay`, and no patches that they could belong to",
        mend: "name the list of patches as `series`")
    }
  }
}
