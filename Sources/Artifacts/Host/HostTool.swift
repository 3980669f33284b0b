// SPDX-License-Identifier: Apache-2.0

import Foundation
import SystemPackage

/// Finds programs of the host.
///
/// Debian's users don't have /usr/sbin in their PATH, though `mke2fs` and friends live there and
/// work without root: the directories of the system administrator are searched as well.
package enum HostTool {
  static let searchPath: String = {
    let own = ProcessInfo.processInfo.environment["PATH"] ?? ""
    return ([own] + ["/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/bin", "/bin"])
      .filter { !$0.isEmpty }.joined(separator: ":")
  }()

  /// The path of a program, or nil.
  package static func find(_ name: String) -> FilePath? {
    if name.contains("/") {
      return HostFiles.isExecutable(FilePath(name)) ? FilePath(name) : nil
    }
    for directory in searchPath.split(separator: ":") {
      let candidate = FilePath(String(directory)).appending(name)
      if HostFiles.isExecutable(candidate) { return candidate }
    }
    return nil
  }

  /// The path of a program.
  ///
  /// - Parameters:
  ///   - name: the program.
  ///   - package: the Debian package that brings it; looked up in the project's list when nil.
  ///   - project: where the list is.
  /// - Throws: `ArtifactError` of kind `missingTool` that names the package.
  static func require(
    _ name: String, package: String? = nil, project: ProjectFiles? = nil
  ) throws(ArtifactError) -> FilePath {
    if let path = find(name) { return path }
    let listed = project.flatMap { project in
      (try? HostPackages(project: project))?.package(providing: name)
    }
    throw ArtifactError(
      .missingTool, "the program `\(name)` is not installed",
      mend: (package ?? listed).map { "install it with `apt-get install \($0)`" }
        ?? "install the package that brings it")
  }
}
