// SPDX-License-Identifier: Apache-2.0

import SystemPackage

/// A directory with the kernel's sources.
struct KernelTree: Hashable, Sendable {
  let directory: FilePath
  /// `VERSION.PATCHLEVEL.SUBLEVEL`
  let version: String

  /// `VERSION.PATCHLEVEL`
  var baseVersion: String { version.split(separator: ".").prefix(2).joined(separator: ".") }

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

  /// Applies the patches of a series and lays its new files into the tree.
  ///
  /// - Parameters:
  ///   - series: the patches that a flavour takes.
  ///   - patch: the program.
  func apply(
    _ series: PatchSeries, with patch: FilePath
  ) async throws(ArtifactError) {
    try await apply(series.patches.map(\.file), with: patch)
    try lay(series.newFiles)
  }

  /// Applies patches in their order. One that only stands for new files has nothing to apply.
  ///
  /// - Parameters:
  ///   - patches: the patches.
  ///   - patch: the program.
  func apply(
    _ patches: [PatchFile], with patch: FilePath
  ) async throws(ArtifactError) {
    for file in patches where try file.hasDiff() {
      // Tried first, so that a patch that fails in its last file leaves the tree as it was.
      for dry in [["--dry-run"], []] {
        let command = Command(
          patch, dry + ["--forward"] + KernelTree.options(for: file, in: directory))
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

  /// How many patches of a series the tree has already, from the first one on.
  ///
  /// A later patch may have changed what an earlier one wrote, so they are taken back one after the
  /// other, the last one first, in copies of the files that they are about.
  ///
  /// - Parameters:
  ///   - patches: the patches, in their order.
  ///   - patch: the program.
  ///   - scratch: a directory to work in, which is made and removed.
  func countApplied(
    _ patches: [PatchFile], with patch: FilePath, scratch: FilePath
  ) async throws(ArtifactError) -> Int {
    defer { try? HostFiles.remove(scratch) }
    var count = patches.count
    while count > 0 {
      try copyFiles(of: patches, to: scratch)
      var rest = patches[..<count]
      while let last = rest.last, try await KernelTree.reverse(last, in: scratch, with: patch) {
        rest.removeLast()
      }
      if rest.isEmpty { break }
      count -= 1
    }
    return count
  }

  private func copyFiles(
    of patches: [PatchFile], to scratch: FilePath
  ) throws(ArtifactError) {
    try HostFiles.remove(scratch)
    try HostFiles.makeDirectory(scratch)
    for file in patches {
      for path in try file.changedPaths() where HostFiles.exists(directory.appending(path)) {
        let copy = scratch.appending(path)
        try HostFiles.makeDirectory(copy.removingLastComponent())
        try HostFiles.write(HostFiles.read(directory.appending(path)), to: copy)
      }
    }
  }

  private static func reverse(
    _ file: PatchFile, in directory: FilePath, with patch: FilePath
  ) async throws(ArtifactError) -> Bool {
    guard try file.hasDiff() else { return true }
    return try await Command(
      patch, ["--reverse", "--force"] + options(for: file, in: directory)
    ).run().succeeded
  }

  /// No fuzz: a hunk whose surroundings changed has to be looked at by a person.
  private static func options(for file: PatchFile, in directory: FilePath) -> [String] {
    [
      "-p1", "--fuzz=0", "--batch", "--silent", "-d", directory.string, "-i", file.path.string,
    ]
  }

  /// Lays new files into the tree. Existing files are replaced, never written into: a tree can share
  /// them with another one by hard links.
  func lay(_ files: [PatchSeries.NewFile]) throws(ArtifactError) {
    for file in files {
      let to = directory.appending(file.path)
      let content = try HostFiles.read(file.source)
      let isExecutable = HostFiles.isExecutable(file.source)
      // An unchanged file keeps its time, so that make leaves it alone.
      if HostFiles.exists(to), try HostFiles.read(to) == content,
        HostFiles.isExecutable(to) == isExecutable
      {
        continue
      }
      try HostFiles.makeDirectory(to.removingLastComponent())
      try HostFiles.remove(to)
      try HostFiles.write(
        content, to: to, mode: FilePermissions(rawValue: isExecutable ? 0o755 : 0o644))
    }
  }
}
