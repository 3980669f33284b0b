// SPDX-License-Identifier: Apache-2.0

import SystemPackage

extension KernelArtifact {
  /// The kernel of a user's own tree.
  func build(
    tree: KernelTree, withDriver: Bool, recipe: KernelRecipe, progress: ProgressSpan
  ) async throws(ArtifactError) -> KernelImage {
    try HostPackages(project: project).require(area: "kernel build")
    try tree.requireClean()
    var name = ArtifactKey.Builder(kind: "kernel-own-tree")
    name.add("path", tree.directory.string)
    name.add("flavour", recipe.name)
    let own = "tree-\(name.key().description.prefix(16))"
    let lock = try await store.lock(own, progress: progress)
    defer { lock.release() }
    let output = store.root.appending("trees").appending(own)
    try HostFiles.makeDirectory(output)
    try HostFiles.requireSpace(
      1 << 30, at: output, for: "building the kernel",
      mend: "free some space there, or move the cache with CROSSBAR_CACHE=DIR")
    if withDriver {
      let series = try PatchSeries(of: recipe, project: project)
      let patch = try HostTool.require("patch", project: project)
      let patches = series.patches.map(\.file)
      let count = try await tree.countApplied(
        patches, with: patch, scratch: output.appending("patched"))
      try await tree.apply(Array(patches.dropFirst(count)), with: patch)
      try tree.lay(series.newFiles)
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
          + "suites that need them can't run in its guest. --with-driver adds them to the tree")
    }
    _ = try await build.compile(progress: progress.part(from: 0.05, to: 1))

    // A copy by content: the next build may replace the image while a guest still boots it.
    var key = ArtifactKey.Builder(kind: "kernel")
    try key.add("image", file: build.image)
    for module in try build.modules() { try key.add(module.name, file: module.path) }
    let directory = try await store.entry("kernel", key.key(), progress: progress) {
      (directory, _) throws(ArtifactError) in
      try collect(from: build, into: directory)
    }
    return try image(in: directory, origin: tree.directory.string, flavour: recipe.name)
  }
}
