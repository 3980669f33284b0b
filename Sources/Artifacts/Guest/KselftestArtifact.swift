// SPDX-License-Identifier: Apache-2.0

import SystemPackage

/// A test program that comes with the kernel, from `tools/testing/selftests` of the source that the
/// guest's kernel is built from, linked statically.
public struct KselftestArtifact: Sendable {
  private static let directory = "tools/testing/selftests"
  /// Headers of the kernel's own that the tests of `mm` read, beside those of their directory.
  private static let headers = ["lib/test_hmm_uapi.h", "mm/gup_test.h"]
  private static let flags = ["-O2", "-static", "-s", "-pthread", "-w", "-U_FORTIFY_SOURCE"]

  private let test: RegressionRecipe.Kselftest
  private let kernel: KernelArtifact
  private let project: ProjectFiles
  private let store: ArtifactStore

  /// A test of a kernel. A finished image has no source, so that of the default kernel has to do.
  public init(
    _ test: RegressionRecipe.Kselftest, of choice: KernelChoice, project: ProjectFiles,
    store: ArtifactStore
  ) {
    self.test = test
    var choice = choice
    if case .image = choice { choice = .flavour(nil) }
    kernel = KernelArtifact(choice, project: project, store: store)
    self.project = project
    self.store = store
  }

  /// The program's path, compiled first when its source or the compiler changed.
  ///
  /// - Throws: `ArtifactError`: `input` for a tree without the test.
  public func resolve(
    progress: @escaping ArtifactProgressHandler = { _ in }
  ) async throws(ArtifactError) -> FilePath {
    let tree = try await kernel.sourceTree(progress: progress)
    let span = ProgressSpan(label: "selftest \(test.name)", handler: progress)
    let selftests = tree.appending(KselftestArtifact.directory)
    let sources = test.sources.map { "\(KselftestArtifact.directory)/\($0)" }
    for name in sources + KselftestArtifact.headers
    where !HostFiles.exists(tree.appending(name)) {
      throw ArtifactError(
        .input, "\(tree) has no \(name), of which the selftest \(test.name) is made",
        mend: "take a tree of Linux 7.2 or newer, or leave the test out with --only")
    }
    let gcc = try HostTool.require("gcc", project: project)
    var key = ArtifactKey.Builder(kind: "selftest")
    key.add("name", test.name)
    key.add("flags", KselftestArtifact.flags.joined(separator: " "))
    for name in sources + KselftestArtifact.headers {
      try key.add(name, file: tree.appending(name))
    }
    for directory in [selftests, selftests.appending("mm")] {
      for name in HostFiles.names(in: directory) where name.hasSuffix(".h") {
        try key.add(name, file: directory.appending(name))
      }
    }
    key.add("gcc", try await ToolVersion.line(of: gcc))
    let directory = try await store.entry("selftest", key.key(), progress: span) {
      (directory, span) throws(ArtifactError) in
      span.report(0.1, "compiling")
      try HostPackages(project: project).require(area: "guest programs")
      var command = Command(
        gcc,
        KselftestArtifact.flags + [
          "-I", selftests.string, "-I", tree.string, "-I",
          tree.appending("tools/include/uapi").string, "-o",
          directory.appending(test.name).string,
        ] + sources)
      command.directory = tree
      command.log = try store.log("selftest-\(test.name)")
      try await command.check(
        "compiling the selftest \(test.name)", mend: "see the log; --only leaves the test out")
    }
    span.report(1, "ready")
    return directory.appending(test.name)
  }
}
