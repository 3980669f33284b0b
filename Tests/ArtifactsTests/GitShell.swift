// SPDX-License-Identifier: Apache-2.0

import SystemPackage

@testable import Artifacts

/// Git as a developer uses it in a directory.
struct GitShell {
  let directory: FilePath
  private let git: FilePath

  init(directory: FilePath) throws {
    self.directory = directory
    git = try HostTool.require("git")
  }

  /// Runs a command and gives the lines that it prints.
  @discardableResult
  func git(_ arguments: String...) async throws -> [String] { try await git(arguments) }

  @discardableResult
  func git(_ arguments: [String]) async throws -> [String] {
    var command = Command(git, arguments)
    command.directory = directory
    command.environment = [
      "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_AUTHOR_NAME": "Grace", "GIT_AUTHOR_EMAIL": "g@e",
      "GIT_COMMITTER_NAME": "Grace", "GIT_COMMITTER_EMAIL": "g@e", "GIT_EDITOR": ":",
    ]
    return try await command.check("git \(arguments.first ?? "")", mend: "")
  }
}
