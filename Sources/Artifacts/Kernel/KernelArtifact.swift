// SPDX-License-Identifier: Apache-2.0

import Foundation
import SystemPackage

/// The guest's kernel.
///
/// Four steps, each an entry of the store, so that a change in one leaves those before it alone:
/// the compressed source, the unpacked source, the image (keyed by source, patches, files,
/// configuration and compiler). A user's own tree is built in a directory that is kept.
public struct KernelArtifact: Sendable {
  let choice: KernelChoice
  let project: ProjectFiles
  let store: ArtifactStore
  private let givenSource: FilePath?
  /// Name of the modules' directory in an entry.
  private static let modules = "modules"

  /// The kernel of a choice.
  ///
  /// - Parameters:
  ///   - choice: which kernel.
  ///   - project: where recipes, fragments and patches are.
  ///   - store: where it is built.
  ///   - environment: `CROSSBAR_KERNEL_SOURCE` names a package or tarball to be used in place of a
  ///     download.
  public init(
    _ choice: KernelChoice = .flavour(nil), project: ProjectFiles, store: ArtifactStore,
    environment: [String: String] = ProcessInfo.processInfo.environment
  ) {
    self.choice = choice
    self.project = project
    self.store = store
    let given = environment["CROSSBAR_KERNEL_SOURCE"] ?? ""
    givenSource = given.isEmpty ? nil : HostFiles.absolute(FilePath(given))
  }

  /// The kernel, built first when it is not in the store.
  ///
  /// - Parameter progress: receives reports; a first build takes minutes.
  /// - Returns: the image.
  /// - Throws: `ArtifactError`.
  public func resolve(
    progress: @escaping ArtifactProgressHandler = { _ in }
  ) async throws(ArtifactError) -> KernelImage {
    let image: KernelImage
    let label: String
    switch choice {
    case .flavour(let name, let patches):
      let recipe = try KernelRecipe.load(name, project: project)
      let inputs = try KernelInputs(recipe, patches: patches, project: project)
      label = "kernel \(inputs.name)"
      image = try await build(
        inputs, progress: ProgressSpan(label: label, handler: progress))
    case .tree(let directory, let withDriver, let flavour):
      label = "kernel \(directory)"
      image = try await build(
        tree: KernelTree(directory), withDriver: withDriver,
        recipe: KernelRecipe.load(flavour, project: project),
        progress: ProgressSpan(label: label, handler: progress))
    case .image(let path):
      let absolute = HostFiles.absolute(path)
      label = "kernel \(absolute)"
      image = try finished(absolute)
    }
    progress(ArtifactProgress(label: label, fraction: 1, detail: "Linux \(image.release)"))
    return image
  }

  /// Where the kernel is, if nothing has to be built or fetched for it; nil otherwise. It is looked
  /// up, not read: whether it is damaged, `resolve` finds out.
  ///
  /// A user's own tree is never answered for: only `make` knows whether it changed.
  public func cachedPath() async -> FilePath? {
    switch choice {
    case .flavour(let name, let patches):
      guard let recipe = try? KernelRecipe.load(name, project: project),
        let inputs = try? KernelInputs(recipe, patches: patches, project: project),
        let sourceKey = try? source(of: recipe).key(),
        let key = try? await inputs.key(source: store.path(of: "kernel-source", sourceKey)),
        store.contains("kernel", key)
      else { return nil }
      return store.path(of: "kernel", key).appending("bzImage")
    case .tree: return nil
    case .image(let path): return HostFiles.absolute(path)
    }
  }

  /// The unpacked source, fetched first when it is not in the store: of a flavour the shared one,
  /// without patches, which must not be written to; else the user's own tree.
  ///
  /// - Parameter progress: receives reports.
  /// - Returns: an absolute path.
  /// - Throws: `ArtifactError`; of kind `input` for a finished image, which has no source.
  public func sourceTree(
    progress: @escaping ArtifactProgressHandler = { _ in }
  ) async throws(ArtifactError) -> FilePath {
    switch choice {
    case .flavour(let name, _):
      let recipe = try KernelRecipe.load(name, project: project)
      let span = ProgressSpan(label: "source of kernel \(recipe.name)", handler: progress)
      let tree = try await sourceTree(of: recipe, progress: span).tree
      span.report(1, "ready")
      return tree
    case .tree(let directory, _, _):
      return try KernelTree(directory).directory
    case .image(let path):
      throw ArtifactError(
        .input, "\(path) is a finished image, without its source",
        mend: "name a flavour, or a tree with --tree")
    }
  }

  /// The unpacked source of a recipe, and where it came from.
  func sourceTree(
    of recipe: KernelRecipe, progress: ProgressSpan
  ) async throws(ArtifactError) -> (tree: FilePath, origin: String) {
    let parts = progress.parts(weights: [1, 1])
    let source = source(of: recipe)
    let compressed = try await source.resolve(progress: parts[0])
    let tree = try await source.unpack(compressed, progress: parts[1])
    return (tree, try KernelSource.origin(of: compressed))
  }

  /// A finished image, with what `crossbar kernel build` leaves beside one, if that is there.
  private func finished(_ path: FilePath) throws(ArtifactError) -> KernelImage {
    let directory = path.removingLastComponent()
    func beside(_ name: String) -> FilePath? {
      let path = directory.appending(name)
      return HostFiles.exists(path) ? path : nil
    }
    return KernelImage(
      path: path, release: try BzImage(path: path).release, origin: path.string,
      config: beside("config"), symbols: nil, vmlinux: nil, modules: beside(Self.modules))
  }

  // MARK: - A flavour

  private func source(of recipe: KernelRecipe) -> KernelSource {
    KernelSource(recipe: recipe, project: project, store: store, given: givenSource)
  }

  private func build(
    _ inputs: KernelInputs, progress: ProgressSpan
  ) async throws(ArtifactError) -> KernelImage {
    let recipe = inputs.recipe
    let source = source(of: recipe)
    let sourceKey = try source.key()
    // Only what is missing takes its part of the bar; the weights are seconds on two cores.
    let parts = progress.parts(weights: [
      store.contains("kernel-source", sourceKey) ? 0 : 30, 30, 300,
    ])
    // A kernel that is there needs only the digest that the source's manifest states; the source
    // itself, 160 MB, is read when something is built from it.
    var sourceDirectory = store.path(of: "kernel-source", sourceKey)
    var key = try? await inputs.key(source: sourceDirectory)
    if key.map({ !store.contains("kernel", $0) }) ?? true {
      sourceDirectory = try await source.resolve(progress: parts[0])
      key = try await inputs.key(source: sourceDirectory)
    }
    guard let key else { throw .cancelled("building kernel \(recipe.name)") }
    let directory = try await store.entry("kernel", key, progress: parts[2]) {
      (directory, progress) throws(ArtifactError) in
      try HostPackages(project: project).require(area: "kernel build")
      try HostFiles.requireSpace(
        3 << 30, at: store.root, for: "building the kernel",
        mend: "free some space there, or move the cache with CROSSBAR_CACHE=DIR")
      let verified = try await source.resolve(progress: parts[0])
      guard try await inputs.key(source: verified) == key else {
        throw ArtifactError(
          .system, "the kernel's source was replaced while kernel \(recipe.name) was looked up",
          mend: "run it again")
      }
      let pristine = try await source.unpack(verified, progress: parts[1])
      try await build(inputs, pristine: pristine, into: directory, progress: progress)
    }
    let origins = try [KernelSource.origin(of: sourceDirectory)] + inputs.patches.map(\.name)
    return try image(
      in: directory, origin: origins.joined(separator: " + "), flavour: recipe.name)
  }

  private func build(
    _ inputs: KernelInputs, pristine: FilePath, into directory: FilePath, progress: ProgressSpan
  ) async throws(ArtifactError) {
    let recipe = inputs.recipe
    progress.report(0, "preparing the source")
    let work = directory.appending("linux")
    // Hard links: a second or two and no space. `patch` and lay() replace files, never write into
    // them, and a build only adds files.
    try await Command(
      HostTool.require("cp", project: project), ["-a", "--link", pristine.string, work.string]
    ).check("preparing the source", mend: "see whether \(pristine) is whole")
    try HostFiles.remove(work.appending(EntryManifest.fileName))
    let tree = try KernelTree(work)
    let patch = try HostTool.require("patch", project: project)
    try await tree.apply(inputs.series, with: patch)
    // What comes on top may change the series' new files, too.
    try await tree.apply(inputs.patches, with: patch)

    let build = KernelBuild(
      recipe: recipe, project: project, tree: tree, output: nil,
      log: try store.log("kernel-\(inputs.name)"), expectedSteps: expectedSteps(recipe))
    _ = try await build.configure(
      recipe.fragments.map(project.path), progress: progress.part(from: 0.01, to: 0.05))
    let steps = try await build.compile(progress: progress.part(from: 0.05, to: 1))
    remember(steps: steps, of: recipe)

    try collect(from: build, into: directory)
    try HostFiles.remove(work)
  }

  // MARK: - Both

  func collect(from build: KernelBuild, into directory: FilePath) throws(ArtifactError) {
    for (from, to) in [
      ("arch/x86/boot/bzImage", "bzImage"), (".config", "config"), ("System.map", "System.map"),
      ("vmlinux", "vmlinux"),
    ] {
      try SparseFile.copy(build.directory.appending(from), to: directory.appending(to))
    }
    _ = try BzImage(path: directory.appending("bzImage"))
    let modules = try build.modules()
    if modules.isEmpty { return }
    let target = directory.appending(Self.modules)
    try HostFiles.makeDirectory(target)
    for module in modules {
      try SparseFile.copy(module.path, to: target.appending(module.name))
    }
  }

  func image(
    in directory: FilePath, origin: String, flavour: String
  ) throws(ArtifactError) -> KernelImage {
    let path = directory.appending("bzImage")
    let modules = directory.appending(Self.modules)
    return KernelImage(
      path: path, release: try BzImage(path: path).release, origin: origin,
      flavour: flavour,
      config: directory.appending("config"), symbols: directory.appending("System.map"),
      vmlinux: directory.appending("vmlinux"),
      modules: HostFiles.isDirectory(modules) ? modules : nil)
  }

  // The number of steps that the last build on this host took, for the next one's bar.
  private func stepsFile(_ recipe: KernelRecipe) -> FilePath {
    store.root.appending("steps").appending("kernel-\(recipe.name)")
  }

  func expectedSteps(_ recipe: KernelRecipe) -> Int {
    let text = (try? HostFiles.text(stepsFile(recipe))) ?? ""
    return Int(text.trimmingCharacters(in: .whitespacesAndNewlines)) ?? recipe.steps
  }

  private func remember(steps: Int, of recipe: KernelRecipe) {
    let file = stepsFile(recipe)
    // Only an estimate: that it can't be written is no reason to fail.
    try? HostFiles.makeDirectory(file.removingLastComponent())
    try? HostFiles.write("\(steps)\n", to: file)
  }
}
