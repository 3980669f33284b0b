// SPDX-License-Identifier: Apache-2.0

import Foundation
import SystemPackage

/// `make` in a kernel tree: configuration, its check, the image and its modules.
struct KernelBuild: Sendable {
  let recipe: KernelRecipe
  let project: ProjectFiles
  let tree: KernelTree
  /// Where `make` puts its output; nil builds in the tree.
  let output: FilePath?
  let log: FilePath
  /// Length of the progress bar: lines that `make` is expected to print.
  let expectedSteps: Int

  /// Where the output is.
  var directory: FilePath { output ?? tree.directory }
  var image: FilePath { directory.appending("arch/x86/boot/bzImage") }

  /// The modules that were built, each with the name that it has in a guest.
  ///
  /// - Throws: `ArtifactError` if the build left no list of them.
  func modules() throws(ArtifactError) -> [(name: String, path: FilePath)] {
    // Lines such as `drivers/misc/ivgpu/ivgpu.o` (Documentation/kbuild/kbuild.rst, Output files).
    try HostFiles.text(directory.appending("modules.order")).split(separator: "\n").map { line in
      var path = directory.appending(String(line))
      path.extension = "ko"
      return (path.lastComponent?.string ?? String(line), path)
    }
  }

  /// Configures: `tinyconfig`, the fragments, `olddefconfig`; then checks that every option is as
  /// it was asked for.
  ///
  /// - Parameters:
  ///   - fragments: absolute paths.
  ///   - tolerated: options that may be lost.
  /// - Returns: the options that are lost and tolerated.
  func configure(
    _ fragments: [FilePath], tolerated: Set<String> = [], progress: ProgressSpan
  ) async throws(ArtifactError) -> [KernelConfig.Option] {
    var wanted: [(text: String, file: String)] = []
    for fragment in fragments {
      wanted.append((try HostFiles.text(fragment), project.name(of: fragment)))
    }
    let config = try KernelConfig(fragments: wanted)
    let failed = "configuring Linux \(tree.version)"
    let mend = "see the log; a fragment may name a value that does not exist"
    progress.report(0, "configuring")
    try await make(["tinyconfig"]).check(failed, mend: mend)
    progress.report(0.6, "configuring")
    var merge = Command(
      tree.directory.appending("scripts/kconfig/merge_config.sh"),
      ["-m", "-O", directory.string, directory.appending(".config").string]
        + fragments.map(\.string))
    merge.directory = directory
    merge.log = log
    try await merge.check(failed, mend: mend)
    progress.report(0.7, "configuring")
    try await make(["olddefconfig"]).check(failed, mend: mend)
    let final = KernelConfig(dotConfig: try HostFiles.text(directory.appending(".config")))
    return try config.verifySurvived(
      in: final, tree: "Linux \(tree.version)", tolerated: tolerated)
  }

  /// Compiles.
  ///
  /// - Returns: how many lines `make` printed, the length of the next build's bar.
  func compile(progress: ProgressSpan) async throws(ArtifactError) -> Int {
    let steps = LineCounter()
    let expected = max(expectedSteps, 1)
    let cores = ProcessInfo.processInfo.activeProcessorCount
    let command = make(["-j", "\(cores)", "bzImage", "modules"])
    let prefix = "\(directory)/"
    let outcome = try await command.run { line in
      guard let step = KernelBuild.step(line, below: prefix) else { return }
      let done = steps.next()
      progress.report(
        KernelBuild.fraction(done: done, expected: expected),
        "\(step), step \(done) of about \(max(expected, done))")
    }
    guard outcome.succeeded else {
      throw KernelBuild.failure(command, outcome, version: tree.version)
    }
    return steps.value
  }

  /// The bar's fraction: what is done of what is expected; from 98 % on ever slower, since a build
  /// may have more steps than the last one.
  static func fraction(done: Int, expected: Int) -> Double {
    let plain = Double(done) / Double(max(expected, 1))
    guard plain > 0.98 else { return max(plain, 0) }
    return 1 - 0.02 * 0.98 / plain
  }

  /// What a line of `make` says is being done: `  CC      fs/xfs/xfs_inode.o` gives
  /// `CC fs/xfs/xfs_inode.o`, with or without the mark `[M]` of a module. Nil for a line that is no
  /// step. The prefix is left out: tools of the tree are built with absolute names.
  static func step(_ line: String, below prefix: String = "/") -> String? {
    guard line.hasPrefix("  ") else { return nil }
    let words = line.split(separator: " ", omittingEmptySubsequences: true)
    guard let verb = words.first, let object = words.dropFirst().first(where: { $0 != "[M]" }),
      verb.allSatisfy({ $0.isUppercase || $0.isNumber || $0 == "_" })
    else { return nil }
    return "\(verb) \(object.hasPrefix(prefix) ? object.dropFirst(prefix.count) : object)"
  }

  /// The error of a failed compilation: the compiler's own lines first, for with `-j` make's last
  /// lines are of other jobs.
  static func failure(
    _ command: Command, _ outcome: Command.Outcome, version: String
  ) -> ArtifactError {
    let lines = outcome.lastLines
    guard let first = lines.firstIndex(where: { $0.contains(" error: ") || $0.contains("***") })
    else {
      return Command.failure(
        "compiling Linux \(version)", kind: .compilation, command, outcome, mend: "see the log")
    }
    let full = Command.failure(
      "compiling Linux \(version)", command, outcome, mend: "")
    if full.kind == .diskFull { return full }
    let around = lines[max(first - 3, 0)..<min(first + 12, lines.count)]
    return ArtifactError(
      .compilation,
      "Linux \(version) did not compile:\n  \(around.joined(separator: "\n  "))",
      mend: "correct the source that it names", log: command.log?.string)
  }

  private func make(_ targets: [String]) -> Command {
    var arguments = ["-C", tree.directory.string, "ARCH=x86_64"]
    if let output { arguments.append("O=\(output)") }
    // The image then depends on its sources only, not on who built it when.
    arguments += [
      "KBUILD_BUILD_USER=crossbar", "KBUILD_BUILD_HOST=crossbar",
      "KBUILD_BUILD_TIMESTAMP=Thu Jan  1 00:00:00 UTC 1970", "KBUILD_BUILD_VERSION=1",
    ]
    if HostTool.find("ccache") != nil {
      arguments += ["CC=ccache gcc", "HOSTCC=ccache gcc"]
    }
    var command = Command(
      FilePath(HostTool.find("make")?.string ?? "make"), arguments + targets)
    command.log = log
    // Crossbar may itself run below a `make`, whose flags and job server are none of this build.
    command.environment = [
      "CCACHE_BASEDIR": directory.string, "MAKEFLAGS": "", "MFLAGS": "", "MAKELEVEL": "0",
      "KBUILD_OUTPUT": "", "CROSS_COMPILE": "",
    ]
    return command
  }
}
