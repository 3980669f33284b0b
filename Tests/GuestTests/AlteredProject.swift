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

  /// Copies the files, with `recipe` as what the suite regression runs.
  init(regression recipe: String) throws {
    try self.init()
    try Data(recipe.utf8).write(to: root.appending(path: "images/guest/regression.yaml"))
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
