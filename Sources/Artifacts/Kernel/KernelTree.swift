// SPDX-License-Identifier: Apache-2.0

import SystemPackage

/// A directory with the kernel's sources.
struct KernelTree: Hashable, Sendable {
  let directory: FilePath
  /// `VERSION.PATCHLEVEL.SUBLEVEL`
  let version: String

  /// `VERSION.PATCHLEVEL`
  var series: String { version.split(separator: ".").prefix(2).joined(separator: ".") }

  /// Looks at a directory and refuses what is no kernel tree.
  ///
  /// - Throws: `ArtifactError` of kind `input` that names what is missing.
  init(_ directory: FilePath) throws(ArtifactError) {
    self.directory = HostFiles.absolute(directory)
    func refuse(_ reason: String) -> ArtifactError {
      ArtifactError(
        .input, "\(directory) is no kernel tree: \(reason)",
        mend: "name the top directory of Linux sources")
    }
    guard HostFiles.isDirectory(directory) else { throw refuse("there is no such directory") }
    for file in ["Makefile", "Kconfig", "scripts/kconfig/merge_config.sh", "arch/x86/Kconfig"]
    where !HostFiles.exists(directory.appending(file)) {
      throw refuse("\(file) is missing")
    }
    var numbers: [String: String] = [:]
    let makefile = try HostFiles.text(directory.appending("Makefile"))
    for line in makefile.split(separator: "\n").prefix(20) {
      let words = line.split(separator: " ")
      if words.count == 3, words[1] == "=" { numbers[String(words[0])] = String(words[2]) }
    }
    guard let version = numbers["VERSION"], let patchLevel = numbers["PATCHLEVEL"],
      Int(version) != nil, Int(patchLevel) != nil
    else { throw refuse("its Makefile states no VERSION and PATCHLEVEL") }
    self.version = "\(version).\(patchLevel).\(numbers["SUBLEVEL"] ?? "0")"
  }

  /// Refuses a tree that was built in place: `make O=` would.
  func requireClean() throws(ArtifactError) {
    for file in [".config", "include/config", "arch/x86/include/generated"]
    where HostFiles.exists(directory.appending(file)) {
      throw ArtifactError(
        .input,
        "the tree \(directory) was built in place (it has \(file)), "
          + "so it can't be built elsewhere",
        mend: "run `make mrproper` there; your .config goes, so save it first")
    }
  }

  /// Applies the patches of a directory in the order of their names.
  ///
  /// - Parameters:
  ///   - patches: absolute paths, with names for messages.
  ///   - patch: the program.
  ///   - skipApplied: leave out a patch that the tree has already.
  func apply(
    _ patches: [(path: FilePath, name: String)], with patch: FilePath, skipApplied: Bool = false
  ) async throws(ArtifactError) {
    for file in patches {
      // No fuzz: a hunk whose surroundings changed has to be looked at by a person.
      let common = [
        "-p1", "--fuzz=0", "--batch", "--silent", "-d", directory.string, "-i", file.path.string,
      ]
      if skipApplied,
        try await Command(patch, ["--dry-run", "--reverse", "--force"] + common).run().succeeded
      {
        continue
      }
      // Tried first, so that a patch that fails in its last file leaves the tree as it was.
      for dry in [["--dry-run"], []] {
        let command = Command(patch, dry + ["--forward"] + common)
        let outcome = try await command.run()
        guard outcome.succeeded else {
          throw Command.failure(
            "the patch \(file.name) does not apply to Linux \(version): patching", kind: .patch,
            command, outcome,
            mend: "rebase it onto this version")
        }
      }
    }
  }

  /// Lays the recipe's files over the tree. Existing files are replaced, never written into: a
  /// tree can share them with another one by hard links.
  func lay(_ overlay: [KernelRecipe.Overlay], project: ProjectFiles) throws(ArtifactError) {
    for item in overlay {
      let source = project.path(item.from)
      let isDirectory = HostFiles.isDirectory(source)
      for file in isDirectory ? HostFiles.regularFiles(below: source) : [""] {
        let from = isDirectory ? source.appending(file) : source
        let to = directory.appending(item.to).appending(file).lexicallyNormalized()
        let content = try HostFiles.read(from)
        // An unchanged file keeps its time, so that make leaves it alone.
        if HostFiles.exists(to), try HostFiles.read(to) == content { continue }
        try HostFiles.makeDirectory(to.removingLastComponent())
        try HostFiles.remove(to)
        try HostFiles.write(content, to: to)
      }
    }
  }
}
