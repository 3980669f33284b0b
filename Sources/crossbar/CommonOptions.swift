// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

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
      "A flavour of images/kernel/kernel.yaml, or the path of a bzImage.", valueName: "name|path"))
  var kernel: String?

  @Option(
    help: ArgumentHelp("Build the kernel from your own source tree.", valueName: "dir"),
    completion: .directory)
  var tree: String?

  func validate() throws {
    if kernel != nil && tree != nil {
      throw ValidationError("--kernel and --tree exclude each other: give one of them.")
    }
  }
}
