// SPDX-License-Identifier: Apache-2.0

import SystemPackage

/// A test program of the guest: the C files of `images/guest/programs/NAME` and of the library that
/// all programs share, linked statically so that it runs in any guest.
public struct GuestProgramArtifact: Sendable {
  private static let flags = [
    "-O2", "-static", "-s", "-pthread", "-ffunction-sections", "-fdata-sections",
    "-Wl,--gc-sections", "-Wall", "-Wextra", "-Werror",
  ]
  private static let library: FilePath = "images/guest/library"

  private let name: String
  private let project: ProjectFiles
  private let store: ArtifactStore

  /// The program of a name.
  public init(_ name: String, project: ProjectFiles, store: ArtifactStore) {
    self.name = name
    self.project = project
    self.store = store
  }

  /// The names of all programs.
  public static func names(project: ProjectFiles) -> [String] {
    let programs = project.path("images/guest/programs")
    return HostFiles.names(in: programs).filter { name in
      HostFiles.names(in: programs.appending(name)).contains { $0.hasSuffix(".c") }
    }
  }

  /// The program's path, compiled first when a source, a header or the compiler changed.
  ///
  /// - Parameter progress: receives reports.
  /// - Returns: an absolute path; the file has the program's name.
  /// - Throws: `ArtifactError`: `input` for an unknown name, `compilation` with the compiler's lines.
  public func resolve(
    progress: @escaping ArtifactProgressHandler = { _ in }
  ) async throws(ArtifactError) -> FilePath {
    let span = ProgressSpan(label: "program \(name)", handler: progress)
    guard GuestProgramArtifact.names(project: project).contains(name) else {
      throw ArtifactError(
        .input, "there is no guest program `\(name)`",
        mend: "choose one of "
          + GuestProgramArtifact.names(project: project).joined(separator: ", "))
    }
    let sources = project.path("images/guest/programs").appending(name)
    let library = project.path(GuestProgramArtifact.library.string)
    let headers = project.path("Sources/CDeviceABI/include")
    let gcc = try HostTool.require("gcc", project: project)

    var key = ArtifactKey.Builder(kind: "program")
    key.add("name", name)
    key.add("flags", GuestProgramArtifact.flags.joined(separator: " "))
    try key.add("sources", directory: sources)
    if HostFiles.isDirectory(library) { try key.add("library", directory: library) }
    try key.add("headers", directory: headers)
    key.add("gcc", try await ToolVersion.line(of: gcc))
    // The C library is linked in; its package's version does not show in the compiler's.
    if let library = GuestProgramArtifact.staticLibrary() { try key.add("libc", file: library) }

    let directory = try await store.entry("program", key.key(), progress: span) {
      (directory, span) throws(ArtifactError) in
      span.report(0.1, "compiling")
      try HostPackages(project: project).require(area: "guest programs")
      // Below the project, so that the compiler's messages name files as the user knows them.
      let files = [sources, library].flatMap { directory in
        HostFiles.names(in: directory).filter { $0.hasSuffix(".c") }
          .map { project.name(of: directory.appending($0)) }
      }
      var command = Command(
        gcc,
        GuestProgramArtifact.flags
          + ["-I", project.name(of: headers), "-I", project.name(of: library), "-o"]
          + [directory.appending(name).string] + files)
      command.directory = project.root
      command.log = try store.log("program-\(name)")
      let outcome = try await command.run()
      guard outcome.succeeded else {
        throw GuestProgramArtifact.failure(name, command, outcome)
      }
    }
    span.report(1, "ready")
    return directory.appending(name)
  }

  private static func failure(
    _ name: String, _ command: Command, _ outcome: Command.Outcome
  ) -> ArtifactError {
    let general = Command.failure(
      "compiling the guest program \(name)", kind: .compilation, command, outcome,
      mend: "see the log")
    guard general.kind == .compilation,
      let first = outcome.lastLines.firstIndex(where: { $0.contains("error:") })
    else { return general }
    let lines = outcome.lastLines[first...].prefix(12).joined(separator: "\n  ")
    return ArtifactError(
      .compilation, "the guest program \(name) does not compile:\n  \(lines)",
      mend: "correct the source that it names", log: command.log?.string)
  }

  private static func staticLibrary() -> FilePath? {
    let path: FilePath = "/usr/lib/x86_64-linux-gnu/libc.a"
    return HostFiles.exists(path) ? path : nil
  }
}
