// SPDX-License-Identifier: Apache-2.0

import Foundation
import SystemPackage

extension KernelSource {
  /// The source, unpacked: an entry of the store, shared by all builds, which nobody may write to.
  ///
  /// - Parameter source: the directory of the compressed source.
  func unpack(
    _ source: FilePath, progress: ProgressSpan
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
      guard tree.baseVersion == recipe.version else {
        throw ArtifactError(
          .sourceNotFound,
          "the source of flavour \(recipe.name) is Linux \(tree.version), not \(recipe.version)",
          mend: "correct `version` in \(KernelRecipe.file) or CROSSBAR_KERNEL_SOURCE")
      }
    }
  }

  private func uncompressedBytes(of tarball: FilePath) async throws(ArtifactError) -> UInt64 {
    let lines = try await Command(
      HostTool.require("xz", project: project), ["--robot", "--list", tarball.string]
    ).check("reading \(tarball)", mend: "remove it so that it is downloaded again")
    // totals STREAMS BLOCKS COMPRESSED UNCOMPRESSED ...
    let totals = lines.first { $0.hasPrefix("totals") }?.split(separator: "\t") ?? []
    return totals.count > 4 ? UInt64(totals[4]) ?? 0 : 0
  }

  /// Where the compressed source in a directory came from.
  static func origin(of source: FilePath) throws(ArtifactError) -> String {
    try HostFiles.text(source.appending(originName))
      .trimmingCharacters(in: .whitespacesAndNewlines)
  }
}
