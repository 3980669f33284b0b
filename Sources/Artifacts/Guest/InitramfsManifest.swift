// SPDX-License-Identifier: Apache-2.0

import SystemPackage

/// What is in the guest's first file system, as `images/guest/initramfs.yaml` says.
struct InitramfsManifest: Hashable, Sendable {
  /// A symbolic link of the guest.
  struct Link: Hashable, Sendable {
    let path: String
    let target: String
  }

  /// A file of the guest, from the project or with its text in the manifest.
  struct File: Hashable, Sendable {
    enum Source: Hashable, Sendable {
      /// Relative to the project.
      case project(String)
      case text(String)
    }

    let path: String
    let source: Source
    let permissions: UInt32
  }

  /// A program of the host; the libraries that it needs come along.
  struct Program: Hashable, Sendable {
    let path: String
    /// Name of the program on the host, looked for in PATH and the system's directories.
    let host: String
    /// The Debian package that brings it, for the message when it is missing.
    let package: String?
  }

  /// A device node.
  struct Node: Hashable, Sendable {
    let path: String
    let isBlock: Bool
    let major: UInt32
    let minor: UInt32
    let permissions: UInt32
  }

  let directories: [String]
  let links: [Link]
  let files: [File]
  let programs: [Program]
  /// Directories of the host that the guest gets as they are.
  let trees: [HostTree]
  let nodes: [Node]
  /// Path in the guest of the busybox whose applets become links beside it; nil for none.
  let busybox: String?

  /// Reads a manifest.
  ///
  /// - Throws: `ArtifactError` of kind `input` with file and line.
  init(text: String, file: String) throws(ArtifactError) {
    var reader = try YAMLReader(text: text, file: file, schema: "crossbar.initramfs/1")
    directories = try reader.texts("directories")
    busybox = try reader.optionalText("applets")
    var links: [Link] = []
    for item in try reader.mappings("links") {
      var entry = item
      links.append(Link(path: try entry.text("path"), target: try entry.text("to")))
      try entry.finish()
    }
    var files: [File] = []
    for item in try reader.mappings("files") { files.append(try InitramfsManifest.file(item)) }
    var programs: [Program] = []
    for item in try reader.mappings("programs") {
      var entry = item
      programs.append(
        Program(
          path: try entry.text("path"), host: try entry.text("host"),
          package: try entry.optionalText("package")))
      try entry.finish()
    }
    var trees: [HostTree] = []
    for item in try reader.mappings("trees") {
      var entry = item
      trees.append(
        HostTree(guest: try entry.text("path"), host: FilePath(try entry.text("host"))))
      try entry.finish()
    }
    var nodes: [Node] = []
    for item in try reader.mappings("nodes") { nodes.append(try InitramfsManifest.node(item)) }
    try reader.finish()
    self.links = links
    self.files = files
    self.programs = programs
    self.trees = trees
    self.nodes = nodes

    let paths =
      directories + links.map(\.path) + files.map(\.path) + programs.map(\.path)
      + trees.map(\.guest) + nodes.map(\.path)
    for path in paths where !path.hasPrefix("/") || path.split(separator: "/").contains("..") {
      throw reader.error(
        "`\(path)` is no path of the guest", mend: "begin it with `/` and leave out `..`")
    }
  }

  private init(
    directories: [String], links: [Link], files: [File], programs: [Program], trees: [HostTree],
    nodes: [Node], busybox: String?
  ) {
    self.directories = directories
    self.links = links
    self.files = files
    self.programs = programs
    self.trees = trees
    self.nodes = nodes
    self.busybox = busybox
  }

  /// This manifest with what another one adds. Where both have a path, the other one has its way.
  func adding(_ other: InitramfsManifest) -> InitramfsManifest {
    InitramfsManifest(
      directories: directories + other.directories, links: links + other.links,
      files: files + other.files, programs: programs + other.programs,
      trees: trees + other.trees, nodes: nodes + other.nodes, busybox: other.busybox ?? busybox)
  }

  private static func file(_ item: YAMLReader) throws(ArtifactError) -> File {
    var entry = item
    let path = try entry.text("path")
    let from = try entry.optionalText("from")
    let text = try entry.optionalText("text")
    let mode = try entry.optionalNumber("mode") ?? 0o644
    try entry.finish()
    guard let permissions = UInt32(exactly: mode), permissions <= 0o7777 else {
      throw entry.error("`mode` of \(path) is above 0o7777", mend: "write it like 0o755")
    }
    switch (from, text) {
    case (let from?, nil):
      return File(path: path, source: .project(from), permissions: permissions)
    case (nil, let text?):
      return File(path: path, source: .text(text), permissions: permissions)
    default:
      throw entry.error("\(path) needs either `from` or `text`", mend: "write one of them")
    }
  }

  private static func node(_ item: YAMLReader) throws(ArtifactError) -> Node {
    var entry = item
    let path = try entry.text("path")
    let type = try entry.text("type")
    let major = try entry.optionalNumber("major")
    let minor = try entry.optionalNumber("minor")
    let mode = try entry.optionalNumber("mode") ?? 0o600
    try entry.finish()
    guard type == "char" || type == "block", let major = major.flatMap(UInt32.init(exactly:)),
      let minor = minor.flatMap(UInt32.init(exactly:)), let permissions = UInt32(exactly: mode)
    else {
      throw entry.error(
        "\(path) is no device node", mend: "write `type: char` or `block`, `major` and `minor`")
    }
    return Node(
      path: path, isBlock: type == "block", major: major, minor: minor, permissions: permissions)
  }
}
