// SPDX-License-Identifier: Apache-2.0

import SystemPackage

/// What the image of a flavour is made from besides the kernel's source.
struct KernelInputs: Sendable {
  let recipe: KernelRecipe
  /// The patches of the flavour, with their new files.
  let series: PatchSeries
  /// Patches on top of these.
  let patches: [PatchFile]
  private let project: ProjectFiles

  /// The inputs of a recipe.
  ///
  /// - Throws: `ArtifactError` of kind `input` when a patch or a file is missing.
  init(
    _ recipe: KernelRecipe, patches: [FilePath], project: ProjectFiles
  ) throws(ArtifactError) {
    self.recipe = recipe
    self.project = project
    series = try PatchSeries(of: recipe, project: project)
    var files: [PatchFile] = []
    for patch in patches {
      let path = HostFiles.absolute(patch)
      let file = PatchFile(path: path, name: project.name(of: path))
      guard try file.hasDiff() else {
        throw ArtifactError(
          .input, "\(patch) changes nothing: it has no diff", mend: "name a patch for `patch -p1`")
      }
      files.append(file)
    }
    self.patches = files
  }

  /// The flavour and what comes on top of it, also fit for the name of a file.
  var name: String {
    ([recipe.name] + patches.map { $0.path.lastComponent?.string ?? "" }).joined(separator: "+")
  }

  /// Everything that the image depends on. The compiler's version stands for the whole tool chain
  /// together with the assembler's and the linker's.
  ///
  /// - Parameter source: directory of the compressed source.
  func key(source: FilePath) async throws(ArtifactError) -> ArtifactKey {
    var key = ArtifactKey.Builder(kind: "kernel")
    key.add("source", try EntryManifest.digest(of: KernelSource.tarballName, in: source))
    for fragment in recipe.fragments {
      key.add("fragment", try HostFiles.read(project.path(fragment)))
    }
    for patch in series.patches {
      try key.add("patch", file: patch.file.path)
      for file in patch.files { try key.add(file.path, file: file.source) }
    }
    for patch in patches { try key.add("patch on top", file: patch.path) }
    for tool in ["gcc", "ld"] {
      key.add(tool, try await ToolVersion.line(of: HostTool.require(tool, project: project)))
    }
    return key.key()
  }
}
