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
    subcommands: [Build.self, Edit.self, Export.self, Source.self])

  /// `crossbar kernel build`.
  struct Build: AsyncParsableCommand, JSONCommand {
    static let configuration = CommandConfiguration(
      abstract: "Builds the guest kernel, or finds it in the cache, and prints where it is.",
      discussion: """
        EXAMPLES
          crossbar kernel build
          crossbar kernel build --patch fix.patch      with a patch on top
          crossbar kernel build --tree ~/src/linux
          crossbar kernel build --tree ~/src/linux --kernel 7.2-debug
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
        var document = [
          "path": image.path.string, "release": image.release, "origin": image.origin,
        ]
        // For a debugger. A finished image comes without them.
        document["flavour"] = image.flavour
        document["config"] = image.config?.string
        document["symbols"] = image.symbols?.string
        document["vmlinux"] = image.vmlinux?.string
        document["modules"] = image.modules?.string
        try KernelCommand.printJSON(document)
      } else {
        print(image.path)
      }
    }
  }

  /// `crossbar kernel edit`.
  struct Edit: AsyncParsableCommand, JSONCommand {
    static let configuration = CommandConfiguration(
      abstract: "Makes a git repository of a kernel's source, with a commit for each patch.",
      discussion: """
        The commit of the source has the tag `base`. Work on the series as on any: commit, \
        reorder, fix up. Then write it back with `crossbar kernel export`.

        EXAMPLES
          crossbar kernel edit ~/src/crossbar-linux
          git -C ~/src/crossbar-linux log --oneline base..
        """)

    @Argument(help: "A new or an empty directory.", completion: .directory)
    var directory: String

    @Option(
      help: ArgumentHelp("The flavour whose source and patches it gets.", valueName: "name"))
    var kernel: String?

    @OptionGroup var output: OutputOptions

    func validate() throws {
      if let kernel, kernel.contains("/") {
        throw ValidationError("--kernel names a flavour here, and \(kernel) is a path.")
      }
    }

    var json: Bool { output.json }

    func run() async throws {
      let view = ProgressView(output)
      let (directory, kernel) = (directory, kernel)
      let edited = try await Interruption.cancelling {
        try await KernelCommand.series().edit(
          FilePath(directory), flavour: kernel, progress: view.take)
      }
      view.clear()
      if output.json {
        try KernelCommand.printJSON(edited)
        return
      }
      let count = edited.patches.count
      print(
        """
        \(directory): Linux \(edited.version) (tag base), and \(count) \
        \(count == 1 ? "patch as a commit" : "patches as commits") on it.

          git -C \(directory) log --oneline base..    the series
          crossbar run --tree \(directory)            boots what is there
          crossbar kernel export \(directory)         writes the commits back
          git -C \(directory) format-patch base..     mails of the whole series
        """)
    }
  }

  /// `crossbar kernel export`.
  struct Export: AsyncParsableCommand, JSONCommand {
    static let configuration = CommandConfiguration(
      abstract: "Writes the commits of such a directory back as patches and new files.",
      discussion: """
        Everything has to be committed, on a line from the tag `base`. A new file is kept as \
        it is in the end, so only the commit that adds it may touch it: fix up such a commit \
        with `git commit --fixup` and `git rebase -i --autosquash base`. It is written to the \
        source tree whose program this is.

        EXAMPLES
          crossbar kernel export ~/src/crossbar-linux && git diff --stat
        """)

    @Argument(help: "A directory that `crossbar kernel edit` made.", completion: .directory)
    var directory: String

    @Flag(help: "Overwrite patches and files that changed since the directory was made.")
    var force = false

    @OptionGroup var output: OutputOptions

    var json: Bool { output.json }

    func run() async throws {
      let view = ProgressView(output)
      let (directory, force) = (directory, force)
      let root = try Workshop.standard().project.root
      let exported = try await Interruption.cancelling {
        try await KernelCommand.series().export(
          FilePath(directory), force: force, progress: view.take)
      }
      view.clear()
      if output.json {
        try KernelCommand.printJSON(exported)
        return
      }
      for path in exported.written { print("  wrote    \(path)") }
      for path in exported.removed { print("  removed  \(path)") }
      let count = exported.patches.count
      let changed = exported.written.count + exported.removed.count
      print(
        "\(count) \(count == 1 ? "patch" : "patches"), "
          + (changed == 0
            ? "nothing changed."
            : "\(changed) \(changed == 1 ? "file" : "files") changed in \(root).")
      )
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

extension KernelCommand {
  fileprivate static func series() throws -> KernelSeries {
    let workshop = try Workshop.standard()
    return KernelSeries(project: workshop.project, store: workshop.store)
  }

  fileprivate static func printJSON(_ document: some Encodable) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    print(String(decoding: try encoder.encode(document), as: UTF8.self))
  }
}

extension ProgressView {
  /// Takes a report of something that is made, from any thread.
  fileprivate func take(_ step: ArtifactProgress) {
    show(
      RunProgress(
        label: step.label, fraction: step.fraction, detail: step.detail, notice: step.notice))
  }
}

extension KernelOptions {
  /// The kernel that the options name.
  var choice: KernelChoice {
    if let tree { return .tree(FilePath(tree), withDriver: withDriver, flavour: kernel) }
    if let kernel, KernelChoice.isPath(kernel) { return .image(FilePath(kernel)) }
    return .flavour(kernel, patches: patch.map { FilePath($0) })
  }
}
