// SPDX-License-Identifier: Apache-2.0

import Foundation

/// A copy of the project's files in which a guest program is another one: what a hostile or broken
/// guest does, a test writes in C.
struct AlteredProject {
  let root: URL

  /// Copies the files, with `source` as the whole program of the suite p2pdma.
  init(program source: String) throws {
    root = CrossbarProgram.temporaryDirectory()
    let files = FileManager.default
    try files.createDirectory(
      at: root.appending(path: "Sources"), withIntermediateDirectories: true)
    for name in ["images", "qemu-configs", "Sources/CDeviceABI"] {
      try files.copyItem(
        at: CrossbarProgram.checkout.appending(path: name), to: root.appending(path: name))
    }
    let program = root.appending(path: "images/guest/programs/p2pcheck")
    try files.removeItem(at: program)
    try files.createDirectory(at: program, withIntermediateDirectories: true)
    try Data(source.utf8).write(to: program.appending(path: "main.c"))
  }

  /// Makes `crossbar` use it.
  var environment: [String: String] { ["CROSSBAR_HOME": root.path] }
}
