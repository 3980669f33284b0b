// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Artifacts
import Harness

/// A command that can answer with one JSON document. Where it can't answer, the document says why.
protocol JSONCommand {
  /// Whether it was asked to.
  var json: Bool { get }
}

/// Options that most commands take.
struct OutputOptions: ParsableArguments {
  @Flag(help: "One JSON document on standard output; progress stays on standard error.")
  var json = false

  @Flag(name: .shortAndLong, help: "No progress, only the result.")
  var quiet = false

  @Flag(name: .shortAndLong, help: "Every step on a line of its own, with the time.")
  var verbose = false

  func validate() throws {
    if quiet && verbose { throw ValidationError("--quiet and --verbose exclude each other.") }
  }
}

/// Which kernel a guest runs.
struct KernelOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "A flavour of images/kernel/kernel.yaml, or the path of a bzImage.",
      discussion: KernelOptions.flavours.isEmpty
        ? "" : "Flavours: \(KernelOptions.flavours.joined(separator: ", ")).",
      valueName: "name|path"),
    completion: .custom { _, _, _ in KernelOptions.flavours })
  var kernel: String?

  @Option(
    help: ArgumentHelp(
      "Build the kernel from your own source tree, with the configuration of the flavour.",
      valueName: "dir"),
    completion: .directory)
  var tree: String?

  @Option(
    parsing: .singleValue,
    help: ArgumentHelp(
      "A patch on top of the flavour's own; more than once for several.", valueName: "file"),
    completion: .file(extensions: ["patch", "diff"]))
  var patch: [String] = []

  @Flag(
    help: ArgumentHelp(
      "Add the GPU's driver and Crossbar's patches to that tree; files in it change.",
      discussion: "Without them the guest has no GPU driver, and suites that need it can't run."))
  var withDriver = false

  /// The flavours of this checkout, for the help and for tab completion.
  static let flavours = (try? Workshop.standard().kernelFlavours) ?? []

  func validate() throws {
    if withDriver && tree == nil {
      throw ValidationError("--with-driver goes with --tree: other kernels have the driver.")
    }
    if let kernel, KernelChoice.isPath(kernel) {
      guard tree == nil else {
        throw ValidationError("--tree builds a kernel, so --kernel can't name a finished one.")
      }
      guard patch.isEmpty else {
        throw ValidationError(
          "--patch needs the source of a kernel, and \(kernel) is a finished one.")
      }
    }
    if tree != nil && !patch.isEmpty {
      throw ValidationError("--patch leaves your tree alone: apply it there, with `git am` say.")
    }
  }
}
