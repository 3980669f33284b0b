// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// A copy of the project's files in which something is otherwise: a guest program, for what a hostile
/// or broken guest does, a test writes in C; or the recipe of a suite.
struct AlteredProject {
  let root: URL

  /// Copies the files, with `source` as the whole program of the suite p2pdma.
  init(program source: String) throws {
    try self.init()
    let program = root.appending(path: "images/guest/programs/p2pcheck")
    try FileManager.default.removeItem(at: program)
    try FileManager.default.createDirectory(at: program, withIntermediateDirectories: true)
    try Data(source.utf8).write(to: program.appending(path: "main.c"))
  }

  /// Copies the files, with `recipe` as what the suite regression runs, and `deed` as the text of a
  /// shell script `/bin/deed` in its guest.
  init(regression recipe: String, deed: String = "") throws {
    try self.init()
    let guest = root.appending(path: "images/guest")
    try Data(recipe.utf8).write(to: guest.appending(path: "regression.yaml"))
    try Data("#!/bin/busybox sh\n\(deed)".utf8).write(to: guest.appending(path: "deed"))
    let manifest = guest.appending(path: "initramfs-regression.yaml")
    let text = try String(contentsOf: manifest, encoding: .utf8)
    let start = "files:\n"
    try #require(text.contains(start))
    let entry = "  - {path: /bin/deed, from: images/guest/deed, mode: 0o755}\n"
    try text.replacing(start, with: start + entry, maxReplacements: 1)
      .write(to: manifest, atomically: false, encoding: .utf8)
  }

  /// Copies the files, for a guest whose first process sleeps for so long before it does anything.
  init(bootDelay seconds: Int) throws {
    try self.init()
    let path = root.appending(path: "images/guest/init")
    let text = try String(contentsOf: path, encoding: .utf8)
    let start = "export PATH\n"
    try #require(text.contains(start))
    try text.replacing(start, with: start + "sleep \(seconds)\n", maxReplacements: 1)
      .write(to: path, atomically: false, encoding: .utf8)
  }

  private init() throws {
    root = CrossbarProgram.temporaryDirectory()
    let files = FileManager.default
    try files.createDirectory(
      at: root.appending(path: "Sources"), withIntermediateDirectories: true)
    for name in ["images", "qemu-configs", "Sources/CDeviceABI"] {
      try files.copyItem(
        at: CrossbarProgram.checkout.appending(path: name), to: root.appending(path: name))
    }
  }

  /// Makes `crossbar` use it.
  var environment: [String: String] { ["CROSSBAR_HOME": root.path] }
}
