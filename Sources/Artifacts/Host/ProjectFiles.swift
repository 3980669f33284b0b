// SPDX-License-Identifier: Apache-2.0

import Foundation
import SystemPackage

/// Where Crossbar's own data files are: `images/`, `qemu-configs/`, the ABI headers.
public struct ProjectFiles: Hashable, Sendable {
  /// The directory that holds `images`, an absolute path.
  public let root: FilePath

  /// The files below a directory, for a caller that knows it.
  public init(root: FilePath) {
    self.root = HostFiles.absolute(root)
  }

  /// Finds the files: `CROSSBAR_HOME`, else `../share/crossbar` beside the executable, else the
  /// nearest directory above the current one or above the executable that looks like the project.
  ///
  /// - Parameters:
  ///   - environment: the process's environment.
  ///   - executable: path of the running program.
  ///   - currentDirectory: where the search upwards begins.
  /// - Returns: the files.
  /// - Throws: `ArtifactError` of kind `input` when there are none.
  public static func locate(
    environment: [String: String] = ProcessInfo.processInfo.environment,
    executable: String =
      (try? FileManager.default.destinationOfSymbolicLink(
        atPath: "/proc/self/exe")) ?? CommandLine.arguments.first ?? "",
    currentDirectory: String = FileManager.default.currentDirectoryPath
  ) throws(ArtifactError) -> ProjectFiles {
    if let home = environment["CROSSBAR_HOME"], !home.isEmpty {
      guard looksRight(FilePath(home)) else {
        throw ArtifactError(
          .input, "CROSSBAR_HOME=\(home) holds no \(mark)",
          mend: "let it name the directory of Crossbar's files, or unset it")
      }
      return ProjectFiles(root: FilePath(home))
    }
    let program = HostFiles.absolute(FilePath(executable))
    let shared = program.removingLastComponent().removingLastComponent().appending("share/crossbar")
    if looksRight(shared) { return ProjectFiles(root: shared) }
    for start in [HostFiles.absolute(FilePath(currentDirectory)), program] {
      var directory: FilePath? = start
      while let candidate = directory {
        if looksRight(candidate) { return ProjectFiles(root: candidate) }
        directory = HostFiles.parent(of: candidate)
      }
    }
    throw ArtifactError(
      .input,
      "Crossbar's files (\(mark)) are neither above \(currentDirectory) nor near \(program)",
      mend: "run it inside the source tree, or set CROSSBAR_HOME")
  }

  /// The files are those of an installed program, not of a source tree.
  public var isInstalled: Bool {
    let parts = root.components.suffix(2).map(\.string)
    return parts == ["share", "crossbar"] && !HostFiles.exists(path("Package.swift"))
  }

  private static let mark = "images/kernel/kernel.yaml"

  private static func looksRight(_ directory: FilePath) -> Bool {
    HostFiles.exists(directory.appending(mark))
  }

  /// The absolute path of a file named relative to the project.
  public func path(_ relative: String) -> FilePath {
    root.appending(relative)
  }

  /// The path of a file as a person would name it: relative to the project when it is inside.
  func name(of path: FilePath) -> String {
    var relative = path
    return relative.removePrefix(root) ? relative.string : path.string
  }
}
