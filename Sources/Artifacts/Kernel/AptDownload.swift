// SPDX-License-Identifier: Apache-2.0

import Foundation
import SystemPackage

/// Asks a Debian mirror for a package without touching the host's apt: private sources, private
/// lists, no root. The host's own apt configuration (proxy, certificates, keyring) holds.
struct AptDownload: Sendable {
  /// What one suite answered.
  enum Answer: Hashable, Sendable {
    /// The suite has the package, of this version.
    case has(version: String)
    /// The suite was read and does not have it.
    case lacks
    /// The suite could not be read, for this reason.
    case unreachable(String)
  }

  let package: String
  let mirror: AptSources.Mirror
  /// Scratch directory for lists and sources.
  let directory: FilePath
  let aptGet: FilePath

  /// Whether a suite has the package.
  func ask(suite: String) async throws(ArtifactError) -> Answer {
    let sources = directory.appending("crossbar.sources")
    try HostFiles.write(mirror.stanza(suite: suite), to: sources)
    for name in ["lists/partial", "cache/archives/partial"] {
      try HostFiles.makeDirectory(directory.appending(name))
    }
    let update = try await command(["update"]).run()
    guard update.succeeded else {
      let reason =
        update.lastLines.first { $0.hasPrefix("E:") }
        ?? update.lastLines.first { $0.hasPrefix("Err") }
      return .unreachable(reason ?? "apt-get update ended with status \(update.status)")
    }
    // Prints `'URI' NAME_VERSION_ARCH.deb SIZE HASH`, and fails for a package that is not there.
    let uris = try await command(["download", "--print-uris", package]).run()
    guard uris.succeeded, let line = uris.lastLines.first(where: { $0.hasPrefix("'") }) else {
      return .lacks
    }
    return .has(version: AptDownload.version(inURILine: line) ?? "?")
  }

  /// Downloads the package from the suite that was asked last; apt checks its signature chain.
  ///
  /// - Returns: the `.deb`.
  func download(progress: ProgressSpan) async throws(ArtifactError) -> FilePath {
    let place = directory.appending("download")
    try HostFiles.makeDirectory(place)
    var fetch = command(["-o", "APT::Status-Fd=1", "download", package])
    fetch.directory = place
    let package = package
    try await fetch.check(
      "downloading \(package)",
      mend: "check the network, or download it elsewhere and set CROSSBAR_KERNEL_SOURCE to the file"
    ) { line in
      guard let percent = AptDownload.percent(inStatusLine: line) else { return }
      progress.report(percent / 100, "downloading \(package), \(Int(percent)) %")
    }
    guard let name = HostFiles.names(in: place).first(where: { $0.hasSuffix(".deb") }) else {
      throw ArtifactError(
        .network, "apt-get downloaded no \(package)", mend: "run it again; see `apt-get download`")
    }
    return place.appending(name)
  }

  private func command(_ arguments: [String]) -> Command {
    var command = Command(
      aptGet,
      [
        "-q",
        "-o", "Dir::Etc::sourcelist=\(directory)/crossbar.sources",
        "-o", "Dir::Etc::sourceparts=-",
        "-o", "Dir::State::Lists=\(directory)/lists",
        "-o", "Dir::Cache=\(directory)/cache",
        "-o", "Acquire::Languages=none",
        "-o", "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false",
        "-o", "Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled=false",
        "-o", "Acquire::Retries=2",
        // Without it `update` takes a mirror that can't be reached for a success.
        "-o", "APT::Update::Error-Mode=any",
        // apt as root downloads as the user _apt, who can't write to this user's cache.
        "-o", "APT::Sandbox::User=root",
      ] + arguments)
    command.directory = directory
    return command
  }

  static func version(inURILine line: String) -> String? {
    let words = line.split(separator: " ")
    guard words.count >= 2 else { return nil }
    let parts = words[1].split(separator: "_")
    return parts.count >= 2 ? String(parts[1]).removingPercentEncoding : nil
  }

  /// `dlstatus:NUMBER:PERCENT:TEXT`
  static func percent(inStatusLine line: String) -> Double? {
    let fields = line.split(separator: ":", omittingEmptySubsequences: false)
    guard fields.count >= 3, fields[0] == "dlstatus", let percent = Double(fields[2]),
      (0...100).contains(percent)
    else { return nil }
    return percent
  }
}
