// SPDX-License-Identifier: Apache-2.0

import Foundation
import SystemPackage

/// The compressed sources of a kernel series: Debian's package, from whichever suite has it, else
/// the pinned release of kernel.org.
///
/// An entry of the store stays once it is there: a newer patch level in the archive does not build
/// a new kernel behind a user's back.
struct KernelSource: Sendable {
  /// Names of files in the entry.
  static let tarballName = "linux.tar.xz"
  static let originName = "origin.txt"

  /// Where the source comes from.
  enum Origin: Hashable, Sendable {
    case debian(suite: String, version: String)
    case kernelOrg(KernelRecipe.Tarball)
  }

  let recipe: KernelRecipe
  let project: ProjectFiles
  let store: ArtifactStore
  /// A package or tarball that the user has already (`CROSSBAR_KERNEL_SOURCE`).
  let given: FilePath?

  func key() throws(ArtifactError) -> ArtifactKey {
    var key = ArtifactKey.Builder(kind: "kernel-source")
    // The label is older than the name; with another one everybody would download again.
    key.add("series", recipe.version)
    key.add("package", recipe.package)
    key.add("suites", recipe.suites.joined(separator: " "))
    key.add("tarball", recipe.tarball.map { "\($0.address) \($0.sha256 ?? "")" } ?? "")
    return key.key()
  }

  /// The directory with `linux.tar.xz` and `origin.txt`.
  func resolve(progress: ProgressSpan) async throws(ArtifactError) -> FilePath {
    try await store.entry("kernel-source", key(), progress: progress) {
      (directory, progress) throws(ArtifactError) in
      try HostFiles.requireSpace(
        1 << 30, at: store.root, for: "downloading the kernel's source",
        mend: "free some space there, or move the cache with CROSSBAR_CACHE=DIR")
      if let given {
        try await take(given, into: directory, progress: progress)
      } else {
        try await download(into: directory, progress: progress)
      }
    }
  }

  /// Chooses the origin from what the suites answered, in their order.
  ///
  /// - Throws: `ArtifactError`: `network` when no suite could be read at all, since then the
  ///   fallback would hardly be reached either, and a user with a broken network should hear of it;
  ///   `sourceNotFound` when there is no fallback.
  static func choose(
    _ answers: [(suite: String, answer: AptDownload.Answer)], recipe: KernelRecipe
  ) throws(ArtifactError) -> Origin {
    for (suite, answer) in answers {
      if case .has(let version) = answer { return .debian(suite: suite, version: version) }
    }
    let unreachable = answers.compactMap { suite, answer -> String? in
      guard case .unreachable(let reason) = answer else { return nil }
      return "\(suite): \(reason)"
    }
    if !answers.isEmpty, unreachable.count == answers.count {
      throw ArtifactError(
        .network,
        "no Debian suite could be read to find \(recipe.package) ("
          + unreachable.joined(separator: "; ") + ")",
        mend: "check the network and `apt-get update`, or set CROSSBAR_KERNEL_SOURCE to a package "
          + "or tarball that you have")
    }
    guard let tarball = recipe.tarball else {
      throw ArtifactError(
        .sourceNotFound,
        "no suite of \(recipe.suites.joined(separator: ", ")) has "
          + "\(recipe.package), and the recipe names no tarball",
        mend: "set CROSSBAR_KERNEL_SOURCE to a package or tarball of Linux \(recipe.version)")
    }
    return .kernelOrg(tarball)
  }

  private func download(
    into directory: FilePath, progress: ProgressSpan
  ) async throws(ArtifactError) {
    let scratch = directory.appending("apt")
    try HostFiles.makeDirectory(scratch)
    let mirror = AptSources(directory: "/etc/apt").mirrors(codename: KernelSource.codename()).first
    var answers: [(suite: String, answer: AptDownload.Answer)] = []
    if let mirror, let aptGet = HostTool.find("apt-get") {
      let apt = AptDownload(
        package: recipe.package, mirror: mirror, directory: scratch, aptGet: aptGet)
      for (index, suite) in recipe.suites.enumerated() {
        progress.report(
          0.1 * Double(index) / Double(recipe.suites.count),
          "looking for \(recipe.package) in \(suite)")
        let answer = try await apt.ask(suite: suite)
        answers.append((suite, answer))
        guard case .has(let version) = answer else { continue }
        let package = try await apt.download(progress: progress.part(from: 0.1, to: 0.9))
        try await unpack(package, into: directory, progress: progress)
        try note("Debian \(recipe.package) \(version) from \(suite)", in: directory)
        try HostFiles.remove(scratch)
        return
      }
    }
    guard case .kernelOrg(let tarball) = try KernelSource.choose(answers, recipe: recipe) else {
      return
    }
    progress.notice(
      "no Debian suite of this host has \(recipe.package); taking \(tarball.address) instead")
    try await download(tarball, into: directory, progress: progress)
    try note(tarball.address, in: directory)
    try HostFiles.remove(scratch)
  }

  /// apt's own downloader is on every Debian host and knows the host's proxy.
  private func download(
    _ tarball: KernelRecipe.Tarball, into directory: FilePath, progress: ProgressSpan
  ) async throws(ArtifactError) {
    let fetcher = try HostTool.require("/usr/lib/apt/apt-helper", project: project)
    let target = directory.appending(KernelSource.tarballName)
    let mend = "check the network, or set CROSSBAR_KERNEL_SOURCE to a tarball that you have"
    progress.report(0.1, "downloading \(tarball.address)")
    let hash = tarball.sha256.map { ["SHA256:\($0)"] } ?? []
    try await Command(
      fetcher, ["download-file", tarball.address, target.string] + hash
    ).check("downloading \(tarball.address)", mend: mend)
    guard tarball.sha256 == nil else { return }
    let sums = directory.appending("sha256sums.asc")
    let base = tarball.address.split(separator: "/", omittingEmptySubsequences: false).dropLast()
    try await Command(
      fetcher, ["download-file", base.joined(separator: "/") + "/sha256sums.asc", sums.string]
    ).check("downloading the checksums of \(tarball.address)", mend: mend)
    let digest = try FileDigest.sha256(of: target)
    let name = FilePath(tarball.address).lastComponent?.string ?? ""
    guard try KernelSource.confirms(HostFiles.text(sums), digest: digest, name: name) else {
      throw ArtifactError(
        .network,
        "\(tarball.address) has SHA-256 \(digest), which its sha256sums.asc does not list",
        mend: "run it again; if it stays so, the mirror is not to be trusted")
    }
    try HostFiles.remove(sums)
  }

  /// Whether a list as `sha256sum` prints it has this digest for this name.
  static func confirms(_ sums: String, digest: String, name: String) -> Bool {
    sums.split(separator: "\n").contains { line in
      let words = line.split(separator: " ")
      return words.count == 2 && words[0] == digest && words[1] == name
    }
  }

  /// A file that the user handed over, as a package or as a tarball.
  private func take(
    _ file: FilePath, into directory: FilePath, progress: ProgressSpan
  ) async throws(ArtifactError) {
    if file.string.hasSuffix(".deb") {
      try await unpack(file, into: directory, progress: progress)
    } else {
      try SparseFile.copy(file, to: directory.appending(KernelSource.tarballName))
    }
    try note(file.string, in: directory)
  }

  private func unpack(
    _ package: FilePath, into directory: FilePath, progress: ProgressSpan
  ) async throws(ArtifactError) {
    progress.report(0.9, "taking the tarball out of \(package.lastComponent?.string ?? "")")
    let content = directory.appending("content")
    try await Command(
      HostTool.require("dpkg-deb", project: project), ["-x", package.string, content.string]
    ).check("unpacking \(package)", mend: "download it again")
    let sources = content.appending("usr/src")
    guard let name = HostFiles.names(in: sources).first(where: { $0.hasSuffix(".tar.xz") }) else {
      throw ArtifactError(
        .sourceNotFound, "\(package) holds no usr/src/*.tar.xz",
        mend: "use a linux-source package of Debian")
    }
    try HostFiles.rename(
      sources.appending(name), to: directory.appending(KernelSource.tarballName))
    try HostFiles.remove(content)
  }

  private func note(_ origin: String, in directory: FilePath) throws(ArtifactError) {
    try HostFiles.write(origin + "\n", to: directory.appending(KernelSource.originName))
  }

  /// The release that this host runs, such as `bookworm` (os-release(5)).
  private static func codename() -> String? {
    let text = (try? HostFiles.text("/etc/os-release")) ?? ""
    let prefix = "VERSION_CODENAME="
    return text.split(separator: "\n").first { $0.hasPrefix(prefix) }
      .map { $0.dropFirst(prefix.count).filter { $0 != "\"" } }
  }
}
