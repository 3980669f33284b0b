// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Artifacts
import Foundation
import Harness
import SystemPackage

/// `crossbar kernel`.
struct KernelCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "kernel",
    abstract: "The guest kernel.",
    subcommands: [Build.self, Source.self])

  /// `crossbar kernel build`.
  struct Build: AsyncParsableCommand, JSONCommand {
    static let configuration = CommandConfiguration(
      abstract: "Builds the guest kernel, or finds it in the cache, and prints where it is.",
      discussion: """
        EXAMPLES
          crossbar kernel build
          crossbar kernel build --tree ~/src/linux
          crossbar kernel build --tree ~/src/linux --with-driver
        """)

    @OptionGroup var kernel: KernelOptions
    @OptionGroup var output: OutputOptions

    var json: Bool { output.json }

    func run() async throws {
      let view = ProgressView(output)
      let choice = kernel.choice
      let image = try await Interruption.cancelling {
        try await Workshop.standard().kernel(choice, progress: view.show)
      }
      view.clear()
      if output.json {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        var document = [
          "path": image.path.string, "release": image.release, "origin": image.origin,
        ]
        // For a debugger. A finished image comes without them.
        document["config"] = image.config?.string
        document["symbols"] = image.symbols?.string
        document["vmlinux"] = image.vmlinux?.string
        print(String(decoding: try encoder.encode(document), as: UTF8.self))
      } else {
        print(image.path)
      }
    }
  }

  /// `crossbar kernel source`.
  struct Source: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Prints where the guest kernel's source is, fetched first if need be.",
      discussion: """
        EXAMPLES
          less $(crossbar kernel source)/drivers/pci/p2pdma.c
        """)

    @OptionGroup var output: OutputOptions

    func run() async throws {
      let view = ProgressView(output)
      let path = try await Interruption.cancelling {
        try await Workshop.standard().kernelSource(progress: view.show)
      }
      view.clear()
      print(path)
    }
  }
}

extension KernelOptions {
  /// The kernel that the options name.
  var choice: KernelChoice {
    if let tree { return .tree(FilePath(tree), withDriver: withDriver) }
    return kernel.map(KernelChoice.init(parsing:)) ?? .flavour(nil)
  }
}
