// SPDX-License-Identifier: Apache-2.0

import Synchronization
import SystemPackage

/// A git repository of the kernel's source. What git does depends on nothing but the repository:
/// neither the user's settings nor hooks nor the variables that git sets for its children.
struct GitRepository: Sendable {
  /// What git is told whatever the repository says.
  private static let settings = [
    // The least, for a kernel is a gigabyte; and never a clean-up in the background.
    ("core.compression", "1"), ("gc.auto", "0"), ("maintenance.auto", "false"),
    // Whoever names a directory does not ask for its programs to be run.
    ("core.hooksPath", "/dev/null"), ("core.fsmonitor", "false"), ("safe.directory", "*"),
    ("core.autocrlf", "false"), ("apply.whitespace", "nowarn"), ("commit.gpgSign", "false"),
    ("diff.noprefix", "false"), ("diff.mnemonicPrefix", "false"), ("color.ui", "false"),
  ]

  /// Where the files are.
  let workTree: FilePath
  private let git: FilePath
  private let directory: FilePath?
  private let index: FilePath?

  /// The repository that a directory belongs to.
  init(workTree: FilePath, project: ProjectFiles) throws(ArtifactError) {
    self.init(
      workTree: workTree, git: try HostTool.require("git", project: project), directory: nil,
      index: nil)
  }

  private init(workTree: FilePath, git: FilePath, directory: FilePath?, index: FilePath?) {
    self.workTree = workTree
    self.git = git
    self.directory = directory
    self.index = index
  }

  /// The same repository with another index, which need not exist.
  func with(index: FilePath) -> GitRepository {
    GitRepository(workTree: workTree, git: git, directory: directory, index: index)
  }

  /// A repository in a directory of its own that reads all objects of this one and writes none to
  /// it. Attributes of files are those of this one's work tree.
  func scratch(in place: FilePath) async throws(ArtifactError) -> GitRepository {
    let objects = try await line(["rev-parse", "--path-format=absolute", "--git-path", "objects"])
    let copy = GitRepository(workTree: workTree, git: git, directory: place, index: nil)
    try await copy.run(["init", "--quiet", "--template="])
    try HostFiles.write(objects + "\n", to: place.appending("objects/info/alternates"))
    return copy
  }

  /// Runs git and gives all lines that it prints.
  ///
  /// - Parameters:
  ///   - arguments: the command with its arguments.
  ///   - file: what it reads.
  ///   - environment: more variables.
  ///   - mend: what to do when it fails.
  /// - Throws: `ArtifactError` of kind `tool`.
  @discardableResult
  func run(
    _ arguments: [String], reading file: FilePath? = nil, environment: [String: String] = [:],
    mend: String = "see what git says"
  ) async throws(ArtifactError) -> [String] {
    let lines = Mutex<[String]>([])
    let command = command(arguments, reading: file, environment: environment)
    try await command.check("git \(arguments.first ?? "")", mend: mend) { line in
      lines.withLock { $0.append(line) }
    }
    return lines.withLock { $0 }
  }

  /// Whether git answers yes.
  func succeeds(_ arguments: [String]) async throws(ArtifactError) -> Bool {
    try await command(arguments, reading: nil, environment: [:]).run().succeeded
  }

  /// The first line that git prints.
  func line(
    _ arguments: [String], reading file: FilePath? = nil, environment: [String: String] = [:]
  ) async throws(ArtifactError) -> String {
    try await run(arguments, reading: file, environment: environment).first ?? ""
  }

  /// A setting of the repository, or nil.
  func setting(_ name: String) async throws(ArtifactError) -> String? {
    guard try await succeeds(["config", "--local", name]) else { return nil }
    return try await line(["config", "--local", name])
  }

  /// The commit that a name stands for, or nil.
  func commit(_ name: String) async throws(ArtifactError) -> String? {
    let arguments = ["rev-parse", "--verify", "--quiet", "\(name)^{commit}"]
    return try await succeeds(arguments) ? try await line(arguments) : nil
  }

  private func command(
    _ arguments: [String], reading file: FilePath?, environment: [String: String]
  ) -> Command {
    var command = Command(git, arguments)
    command.directory = workTree
    command.inputFile = file
    command.environment = [
      "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0",
      "GIT_PAGER": "cat", "GIT_DIR": directory?.string,
      "GIT_WORK_TREE": directory == nil ? nil : workTree.string, "GIT_INDEX_FILE": index?.string,
      "GIT_OBJECT_DIRECTORY": nil, "GIT_ALTERNATE_OBJECT_DIRECTORIES": nil, "GIT_COMMON_DIR": nil,
      "GIT_NAMESPACE": nil, "GIT_CONFIG_PARAMETERS": nil, "GIT_EXTERNAL_DIFF": nil,
      "GIT_DIFF_OPTS": nil, "GIT_PREFIX": nil,
      "GIT_CONFIG_COUNT": "\(GitRepository.settings.count)",
    ]
    for (number, setting) in GitRepository.settings.enumerated() {
      command.environment["GIT_CONFIG_KEY_\(number)"] = setting.0
      command.environment["GIT_CONFIG_VALUE_\(number)"] = setting.1
    }
    command.environment.merge(environment.mapValues { $0 }) { $1 }
    return command
  }
}
