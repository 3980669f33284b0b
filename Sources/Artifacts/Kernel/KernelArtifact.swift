// SPDX-License-Identifier: Apache-2.0

import Foundation
import SystemPackage

/// The guest's kernel.
///
/// Four steps, each an entry of the store, so that a change in one leaves those before it alone:
/// the compressed source, the unpacked source, the image (keyed by source, patches, files,
/// configuration and compiler). A user's own tree is built in a directory that is kept.
public struct KernelArtifact: Sendable {
  private let choice: KernelChoice
  private let project: ProjectFiles
  private let store: ArtifactStore
  private let givenSource: FilePath?

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
    case .flavour(let name):
      let recipe = try KernelRecipe.load(name, project: project)
      label = "kernel \(recipe.name)"
      image = try await build(recipe, progress: ProgressSpan(label: label, handler: progress))
    case .tree(let directory, let withDriver):
      label = "kernel \(directory)"
      image = try await build(
        tree: KernelTree(directory), withDriver: withDriver,
        progress: ProgressSpan(label: label, handler: progress))
    case .image(let path):
      let absolute = HostFiles.absolute(path)
      label = "kernel \(absolute)"
      image = KernelImage(
        path: absolute, release: try BzImage(path: absolute).release, origin: absolute.string,
        config: nil, symbols: nil, vmlinux: nil)
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
    case .flavour(let name):
      guard let recipe = try? KernelRecipe.load(name, project: project) else { return nil }
      let source = KernelSource(
        recipe: recipe, project: project, store: store, given: givenSource)
      guard let sourceKey = try? source.key(),
        let key = try? await imageKey(
          recipe, source: store.path(of: "kernel-source", sourceKey)),
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
    case .flavour(let name):
      let recipe = try KernelRecipe.load(name, project: project)
      let span = ProgressSpan(label: "source of kernel \(recipe.name)", handler: progress)
      let parts = span.parts(weights: [1, 1])
      let source = KernelSource(
        recipe: recipe, project: project, store: store, given: givenSource)
      let tree = try await unpack(
        recipe, source: source.resolve(progress: parts[0]), progress: parts[1])
      span.report(1, "ready")
      return tree
    case .tree(let directory, _):
      return try KernelTree(directory).directory
    case .image(let path):
      throw ArtifactError(
        .input, "\(path) is a finished image, without its source",
        mend: "name a flavour, or a tree with --tree")
    }
  }

  // MARK: - A flavour

  private func build(
    _ recipe: KernelRecipe, progress: ProgressSpan
  ) async throws(ArtifactError) -> KernelImage {
    let source = KernelSource(
      recipe: recipe, project: project, store: store, given: givenSource)
    let sourceKey = try source.key()
    // Only what is missing takes its part of the bar; the weights are seconds on two cores.
    let parts = progress.parts(weights: [
      store.contains("kernel-source", sourceKey) ? 0 : 30, 30, 300,
    ])
    // A kernel that is there needs only the digest that the source's manifest states; the source
    // itself, 160 MB, is read when something is built from it.
    var sourceDirectory = store.path(of: "kernel-source", sourceKey)
    var key = try? await imageKey(recipe, source: sourceDirectory)
    if key.map({ !store.contains("kernel", $0) }) ?? true {
      sourceDirectory = try await source.resolve(progress: parts[0])
      key = try await imageKey(recipe, source: sourceDirectory)
    }
    guard let key else { throw .cancelled("building kernel \(recipe.name)") }
    let directory = try await store.entry("kernel", key, progress: parts[2]) {
      (directory, progress) throws(ArtifactError) in
      try HostPackages(project: project).require(area: "kernel build")
      try HostFiles.requireSpace(
        3 << 30, at: store.root, for: "building the kernel",
        mend: "free some space there, or move the cache with CROSSBAR_CACHE=DIR")
      let verified = try await source.resolve(progress: parts[0])
      guard try await imageKey(recipe, source: verified) == key else {
        throw ArtifactError(
          .system, "the kernel's source was replaced while kernel \(recipe.name) was looked up",
          mend: "run it again")
      }
      let pristine = try await unpack(recipe, source: verified, progress: parts[1])
      try await build(recipe, pristine: pristine, into: directory, progress: progress)
    }
    let origin = try HostFiles.text(sourceDirectory.appending(KernelSource.originName))
      .trimmingCharacters(in: .whitespacesAndNewlines)
    return try image(in: directory, origin: origin)
  }

  /// Everything that the image depends on. The compiler's version stands for the whole tool chain
  /// together with the assembler's and the linker's.
  private func imageKey(
    _ recipe: KernelRecipe, source: FilePath
  ) async throws(ArtifactError) -> ArtifactKey {
    var key = ArtifactKey.Builder(kind: "kernel")
    key.add("source", try EntryManifest.digest(of: KernelSource.tarballName, in: source))
    for fragment in recipe.fragments {
      key.add("fragment", try HostFiles.read(project.path(fragment)))
    }
    for patch in try patches(of: recipe) { try key.add(patch.name, file: patch.path) }
    for item in recipe.overlay {
      let path = project.path(item.from)
      if HostFiles.isDirectory(path) {
        try key.add(item.to, directory: path)
      } else {
        try key.add(item.to, file: path)
      }
    }
    for tool in ["gcc", "ld"] {
      key.add(tool, try await ToolVersion.line(of: HostTool.require(tool, project: project)))
    }
    return key.key()
  }

  /// The unpacked source, shared by all builds.
  private func unpack(
    _ recipe: KernelRecipe, source: FilePath, progress: ProgressSpan
  ) async throws(ArtifactError) -> FilePath {
    var key = ArtifactKey.Builder(kind: "kernel-tree")
    key.add("source", try EntryManifest.digest(of: KernelSource.tarballName, in: source))
    key.add("exclude", recipe.exclude.joined(separator: "\n"))
    return try await store.entry("kernel-tree", key.key(), check: .census, progress: progress) {
      (directory, progress) throws(ArtifactError) in
      let tarball = source.appending(KernelSource.tarballName)
      let total = try await uncompressedBytes(of: tarball)
      progress.report(0, "unpacking the kernel's source")
      let tar = try HostTool.require("tar", project: project)
      _ = try HostTool.require("xz", project: project)
      try await Command(
        tar,
        [
          "-x", "-f", tarball.string, "-C", directory.string, "--strip-components=1",
          "--use-compress-program=xz -T0", "--no-same-owner", "--checkpoint=1000",
        ] + recipe.exclude.map { "--exclude=*/\($0)" }
      ).check(
        "unpacking \(tarball)", mend: "remove \(source) so that it is downloaded again"
      ) { line in
        // "tar: Read checkpoint 1000": records of 10 KiB.
        guard line.contains("checkpoint"), let count = line.split(separator: " ").last,
          let records = Double(count)
        else { return }
        progress.report(
          records * 10_240 / Double(max(total, 1)), "unpacking the kernel's source")
      }
      let tree = try KernelTree(directory)
      guard tree.series == recipe.series else {
        throw ArtifactError(
          .sourceNotFound,
          "the source of flavour \(recipe.name) is Linux \(tree.version), not \(recipe.series)",
          mend: "correct `series` in images/kernel/kernel.yaml or CROSSBAR_KERNEL_SOURCE")
      }
    }
  }

  private func build(
    _ recipe: KernelRecipe, pristine: FilePath, into directory: FilePath, progress: ProgressSpan
  ) async throws(ArtifactError) {
    progress.report(0, "preparing the source")
    let work = directory.appending("linux")
    // Hard links: a second or two and no space. `patch` and lay() replace files, never write into
    // them, and a build only adds files.
    try await Command(
      HostTool.require("cp", project: project), ["-a", "--link", pristine.string, work.string]
    ).check("preparing the source", mend: "see whether \(pristine) is whole")
    try HostFiles.remove(work.appending(EntryManifest.fileName))
    let tree = try KernelTree(work)
    try await tree.apply(
      patches(of: recipe), with: HostTool.require("patch", project: project))
    try tree.lay(recipe.overlay, project: project)

    let build = KernelBuild(
      recipe: recipe, project: project, tree: tree, output: nil,
      log: try store.log("kernel-\(recipe.name)"), expectedSteps: expectedSteps(recipe))
    _ = try await build.configure(
      recipe.fragments.map(project.path), progress: progress.part(from: 0.01, to: 0.05))
    let steps = try await build.compile(progress: progress.part(from: 0.05, to: 1))
    remember(steps: steps, of: recipe)

    try collect(from: build, into: directory)
    try HostFiles.remove(work)
  }

  // MARK: - A user's own tree

  private func build(
    tree: KernelTree, withDriver: Bool, progress: ProgressSpan
  ) async throws(ArtifactError) -> KernelImage {
    let recipe = try KernelRecipe.load(nil, project: project)
    try HostPackages(project: project).require(area: "kernel build")
    try tree.requireClean()
    var name = ArtifactKey.Builder(kind: "kernel-own-tree")
    name.add("path", tree.directory.string)
    let own = "tree-\(name.key().description.prefix(16))"
    let lock = try await store.lock(own, progress: progress)
    defer { lock.release() }
    let output = store.root.appending("trees").appending(own)
    try HostFiles.makeDirectory(output)
    try HostFiles.requireSpace(
      1 << 30, at: output, for: "building the kernel",
      mend: "free some space there, or move the cache with CROSSBAR_CACHE=DIR")
    if withDriver {
      try await tree.apply(
        patches(of: recipe), with: HostTool.require("patch", project: project), skipApplied: true)
      try tree.lay(recipe.overlay, project: project)
    }
    let build = KernelBuild(
      recipe: recipe, project: project, tree: tree, output: output,
      log: try store.log("kernel-\(own)"), expectedSteps: expectedSteps(recipe))
    let lost = try await build.configure(
      recipe.fragments.map(project.path),
      tolerated: withDriver ? [] : Set(recipe.overlayOptions),
      progress: progress.part(from: 0, to: 0.05))
    if !lost.isEmpty {
      progress.notice(
        "\(tree.directory) does not have \(lost.map(\.name).joined(separator: ", ")); "
          + "in a guest without the GPU's driver only the memory of NVMe controllers can be a peer's. "
          + "--with-driver adds it to the tree")
    }
    _ = try await build.compile(progress: progress.part(from: 0.05, to: 1))

    // A copy by content: the next build may replace the image while a guest still boots it.
    var key = ArtifactKey.Builder(kind: "kernel")
    try key.add("image", file: build.image)
    let directory = try await store.entry("kernel", key.key(), progress: progress) {
      (directory, _) throws(ArtifactError) in
      try collect(from: build, into: directory)
    }
    return try image(in: directory, origin: tree.directory.string)
  }

  // MARK: - Both

  private func collect(from build: KernelBuild, into directory: FilePath) throws(ArtifactError) {
    for (from, to) in [
      ("arch/x86/boot/bzImage", "bzImage"), (".config", "config"), ("System.map", "System.map"),
      ("vmlinux", "vmlinux"),
    ] {
      try SparseFile.copy(build.directory.appending(from), to: directory.appending(to))
    }
    _ = try BzImage(path: directory.appending("bzImage"))
  }

  private func image(in directory: FilePath, origin: String) throws(ArtifactError) -> KernelImage {
    let path = directory.appending("bzImage")
    return KernelImage(
      path: path, release: try BzImage(path: path).release, origin: origin,
      config: directory.appending("config"), symbols: directory.appending("System.map"),
      vmlinux: directory.appending("vmlinux"))
  }

  private func patches(
    of recipe: KernelRecipe
  ) throws(ArtifactError) -> [(path: FilePath, name: String)] {
    guard let directory = recipe.patches else { return [] }
    return HostFiles.names(in: project.path(directory)).filter { $0.hasSuffix(".patch") }
      .map { (project.path(directory).appending($0), "\(directory)/\($0)") }
  }

  private func uncompressedBytes(of tarball: FilePath) async throws(ArtifactError) -> UInt64 {
    let lines = try await Command(
      HostTool.require("xz", project: project), ["--robot", "--list", tarball.string]
    ).check("reading \(tarball)", mend: "remove it so that it is downloaded again")
    // totals STREAMS BLOCKS COMPRESSED UNCOMPRESSED ...
    let totals = lines.first { $0.hasPrefix("totals") }?.split(separator: "\t") ?? []
    return totals.count > 4 ? UInt64(totals[4]) ?? 0 : 0
  }

  // The number of steps that the last build on this host took, for the next one's bar.
  private func stepsFile(_ recipe: KernelRecipe) -> FilePath {
    store.root.appending("steps").appending("kernel-\(recipe.name)")
  }

  private func expectedSteps(_ recipe: KernelRecipe) -> Int {
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
