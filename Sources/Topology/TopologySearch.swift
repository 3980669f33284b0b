// SPDX-License-Identifier: Apache-2.0

import Foundation

/// A topology file that can be named on a command line.
public struct TopologyFile: Sendable, Hashable, Codable {
  /// The file's name without `.yaml`.
  public let name: String
  /// Where it is.
  public let path: String

  /// Names a file.
  public init(name: String, path: String) {
    self.name = name
    self.path = path
  }
}

extension Topology {
  /// The topology files of some directories, by name; an earlier directory hides a later one's.
  ///
  /// Directories that don't exist are passed over.
  public static func list(in directories: [String]) -> [TopologyFile] {
    var found: [String: TopologyFile] = [:]
    for directory in directories {
      let entries = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
      for entry in entries where entry.hasSuffix(".yaml") && !entry.hasPrefix(".") {
        let name = String(entry.dropLast(".yaml".count))
        let path = directory.hasSuffix("/") ? directory + entry : "\(directory)/\(entry)"
        if found[name] == nil { found[name] = TopologyFile(name: name, path: path) }
      }
    }
    return found.values.sorted { $0.name < $1.name }
  }

  /// The path that a command-line argument means.
  ///
  /// An argument with a `/`, or that ends in `.yaml`, is a path; any other is looked up by name.
  ///
  /// - Throws: an error that lists the known names, or the one that was probably meant.
  public static func search(
    name: String, in directories: [String]
  ) throws(TopologyError) -> String {
    if name.contains("/") || name.hasSuffix(".yaml") {
      guard FileManager.default.fileExists(atPath: name) else {
        throw TopologyError(
          file: name, message: "there is no such topology file", mend: "check the path")
      }
      return name
    }
    let known = list(in: directories)
    if let file = known.first(where: { $0.name == name }) { return file.path }
    let names = known.map(\.name)
    guard !names.isEmpty else {
      throw TopologyError(
        message: "there are no topologies in \(directories.joined(separator: ", "))",
        mend: "give the path of a topology file")
    }
    var mend = "known are \(Suggestion.list(names))"
    if let near = Suggestion.nearest(to: name, among: names) {
      mend = "did you mean `\(near)`? Known are \(Suggestion.list(names))"
    }
    throw TopologyError(message: "there is no topology `\(name.prefix(80))`", mend: mend)
  }
}
