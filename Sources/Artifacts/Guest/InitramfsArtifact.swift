// SPDX-License-Identifier: Apache-2.0

import SystemPackage

/// The guest's first and only root file system: busybox, the guest agent, file system tools.
///
/// It is left uncompressed: it is read from memory, and decompressing takes an emulated processor
/// longer than copying.
public struct InitramfsArtifact: Sendable {
  /// Name of the archive in its entry.
  private static let name = "initramfs.cpio"
  /// Path of the manifest in the project.
  private static let manifest = "images/guest/initramfs.yaml"

  private let manifests: [String]
  private let trees: [HostTree]
  private let project: ProjectFiles
  private let store: ArtifactStore

  /// The project's initramfs.
  ///
  /// - Parameters:
  ///   - addition: a further manifest, relative to the project, for what few guests need.
  ///   - trees: directories for this guest alone.
  ///   - project: where the manifests are.
  ///   - store: where it is kept.
  public init(
    addition: String? = nil, trees: [HostTree] = [], project: ProjectFiles, store: ArtifactStore
  ) {
    manifests = [InitramfsArtifact.manifest] + (addition.map { [$0] } ?? [])
    self.trees = trees
    self.project = project
    self.store = store
  }

  /// The archive's path, written first when something in it changed.
  ///
  /// - Parameter progress: receives reports.
  /// - Returns: an absolute path.
  /// - Throws: `ArtifactError`: `missingTool` names the package of a program that is not there.
  public func resolve(
    progress: @escaping ArtifactProgressHandler = { _ in }
  ) async throws(ArtifactError) -> FilePath {
    let span = ProgressSpan(label: "initramfs", handler: progress)
    var key = ArtifactKey.Builder(kind: "initramfs")
    let manifest = try manifest(into: &key)
    let programs = try hostPrograms(of: manifest)
    let trees = manifest.trees + trees
    let needs = try LibraryResolver().needs(
      of: programs.map(\.source) + trees.flatMap(\.files))

    for file in manifest.files {
      if case .project(let from) = file.source { try key.add(file.path, file: project.path(from)) }
    }
    for program in programs { try key.add(program.guest, file: program.source) }
    for tree in trees { try tree.add(to: &key) }
    for library in needs.libraries.sorted(by: { $0.path.string < $1.path.string }) {
      try key.add(library.path.string, file: library.path)
    }
    for interpreter in needs.interpreters.sorted() {
      try key.add(interpreter, file: FilePath(interpreter))
    }
    let directory = try await store.entry("initramfs", key.key(), progress: span) {
      (directory, span) throws(ArtifactError) in
      span.report(0.1, "collecting")
      let applets = try await applets(of: manifest, programs)
      let archive = try collect(manifest, programs, trees, needs, applets: applets)
      span.report(0.6, "writing")
      try HostFiles.write(archive.bytes(), to: directory.appending(InitramfsArtifact.name))
    }
    span.report(1, "ready")
    return directory.appending(InitramfsArtifact.name)
  }

  /// All manifests as one, which are also what the archive depends on.
  private func manifest(
    into key: inout ArtifactKey.Builder
  ) throws(ArtifactError) -> InitramfsManifest {
    var whole: InitramfsManifest?
    for name in manifests {
      let path = project.path(name)
      let part = try InitramfsManifest(text: HostFiles.text(path), file: project.name(of: path))
      try key.add("manifest", file: path)
      whole = whole?.adding(part) ?? part
    }
    guard let whole else {
      throw ArtifactError(.input, "an initramfs without a manifest", mend: "name one")
    }
    return whole
  }

  private func hostPrograms(
    of manifest: InitramfsManifest
  ) throws(ArtifactError) -> [(guest: String, source: FilePath)] {
    var programs: [(guest: String, source: FilePath)] = []
    for program in manifest.programs {
      let source = try HostTool.require(program.host, package: program.package, project: project)
      programs.append((program.path, source))
    }
    return programs
  }

  private func applets(
    of manifest: InitramfsManifest, _ programs: [(guest: String, source: FilePath)]
  ) async throws(ArtifactError) -> [String] {
    guard let busybox = manifest.busybox else { return [] }
    guard let source = programs.first(where: { $0.guest == busybox })?.source else {
      throw ArtifactError(
        .input, "\(InitramfsArtifact.manifest): applets of \(busybox), which is no program of it",
        mend: "add it to `programs`")
    }
    return try await Command(source, ["--list"])
      .check("listing busybox's applets", mend: "install busybox-static again")
      .filter { !$0.isEmpty && !$0.contains("/") }
  }

  private func collect(
    _ manifest: InitramfsManifest, _ programs: [(guest: String, source: FilePath)],
    _ trees: [HostTree], _ needs: LibraryResolver.Needs, applets: [String]
  ) throws(ArtifactError) -> CPIOArchive {
    var archive = CPIOArchive()
    for path in manifest.directories { archive.add(path, permissions: 0o755, .directory) }
    for link in manifest.links { archive.add(link.path, permissions: 0o777, .link(link.target)) }
    func place(_ path: String) -> String { InitramfsArtifact.real(path, in: archive) }

    for node in manifest.nodes {
      archive.add(
        node.path, permissions: node.permissions,
        node.isBlock
          ? .block(major: node.major, minor: node.minor)
          : .character(major: node.major, minor: node.minor))
    }
    for program in programs {
      let bytes = try HostFiles.read(program.source)
      archive.add(place(program.guest), permissions: 0o755, .file(bytes))
    }
    for interpreter in needs.interpreters {
      let bytes = try HostFiles.read(FilePath(interpreter))
      archive.add(place(interpreter), permissions: 0o755, .file(bytes))
    }
    for library in needs.libraries {
      // Without ld.so.cache the guest's linker looks into its standard directories only.
      let name = FilePath(library.name).lastComponent?.string ?? library.name
      let path = "\(library.directory?.string ?? "/lib")/\(name)"
      let bytes = try HostFiles.read(library.path)
      archive.add(place(path), permissions: 0o755, .file(bytes))
    }
    for tree in trees {
      for entry in tree.entries() {
        let path = place("\(tree.guest)/\(entry.path)")
        if let target = entry.target {
          archive.add(path, permissions: 0o777, .link(target))
          continue
        }
        let source = tree.host.appending(entry.path)
        archive.add(
          path, permissions: HostFiles.isExecutable(source) ? 0o755 : 0o644,
          .file(try HostFiles.read(source)))
      }
    }
    for file in manifest.files {
      let bytes: [UInt8]
      switch file.source {
      case .project(let from): bytes = try HostFiles.read(project.path(from))
      case .text(let text): bytes = Array(text.utf8)
      }
      archive.add(place(file.path), permissions: file.permissions, .file(bytes))
    }
    if let busybox = manifest.busybox {
      let directory = FilePath(busybox).removingLastComponent().string
      let target = FilePath(busybox).lastComponent?.string ?? ""
      // A real program of the same name wins.
      for applet in applets where !archive.contains(place("\(directory)/\(applet)")) {
        archive.add(place("\(directory)/\(applet)"), permissions: 0o777, .link(target))
      }
    }
    return archive
  }

  /// The path with links to directories followed, such as /lib64 -> lib: an archive can't put a
  /// file below a link.
  private static func real(_ path: String, in archive: CPIOArchive) -> String {
    var done: [Substring] = []
    var pending = path.split(separator: "/")
    var hops = 0
    while !pending.isEmpty {
      let name = pending.removeFirst()
      if name == ".." {
        _ = done.popLast()
        continue
      }
      done.append(name)
      guard !pending.isEmpty, hops < 16, let target = archive.link(at: done.joined(separator: "/"))
      else { continue }
      hops += 1
      done.removeLast()
      if target.hasPrefix("/") { done = [] }
      pending = target.split(separator: "/") + pending
    }
    return done.joined(separator: "/")
  }
}
