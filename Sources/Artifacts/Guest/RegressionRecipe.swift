// SPDX-License-Identifier: Apache-2.0

/// Which programs of others the suite `regression` runs, and what their ends mean, as
/// `images/guest/regression.yaml` says.
public struct RegressionRecipe: Hashable, Sendable {
  /// The recipe.
  public static let file = "images/guest/regression.yaml"

  /// What a kernel must have for a program to be run.
  public struct Need: Hashable, Sendable {
    /// A path that is there in the guest's `/proc`, `/sys` or `/dev`.
    public let path: String
    /// Why the cases are skipped without it.
    public let reason: String
  }

  /// A test program of the kernel's own.
  public struct Kselftest: Hashable, Sendable {
    /// Its name, and the first part of its cases' names.
    public let name: String
    /// The C files, below `tools/testing/selftests`.
    public let sources: [String]
    /// What the kernel must have.
    public let need: Need?
    /// Huge pages that are reserved for it.
    public let hugePages: Int
    /// Seconds that a case may take.
    public let limit: Int
  }

  /// A suite of KUnit tests, which the kernel has run while it booted.
  public struct KUnitSuite: Hashable, Sendable {
    /// Its name.
    public let name: String

    /// Its results (Documentation/dev-tools/kunit/run_manual.rst, "Retrieving per suite results").
    public var results: String { "/sys/kernel/debug/kunit/\(name)/results" }

    /// What the kernel must have.
    public var need: Need {
      Need(
        path: results,
        reason: "the kernel has no such tests (CONFIG_KUNIT_DEBUGFS, and their own option)")
    }
  }

  /// A program with cases, each of which is run on every volume.
  public struct Program: Hashable, Sendable {
    /// Its name, and the first part of its cases' names.
    public let name: String
    /// Its path in the guest and what all cases have in common. `{dir}` is the case's directory.
    public let command: [String]
    /// Exit statuses by which it says that it has not done the case.
    public let skipStatuses: Set<Int32>
    /// Lines that say so whatever the status, as patterns of `*` and `?`.
    public let skipLines: [String]
    /// Lines that say that something is wrong, whatever the status.
    public let failLines: [String]
    /// What the kernel must have.
    public let need: Need?
    /// Seconds that a case may take.
    public let limit: Int
    /// The cases.
    public let cases: [Case]
  }

  /// A case of a program.
  public struct Case: Hashable, Sendable {
    /// The second part of its name.
    public let name: String
    /// What it adds to the program's command.
    public let arguments: [String]
  }

  /// Tests inside of the kernel.
  public let kunit: [KUnitSuite]
  /// The kernel's own tests.
  public let kselftests: [Kselftest]
  /// The programs.
  public let programs: [Program]

  /// The project's recipe.
  ///
  /// - Throws: `ArtifactError` of kind `input` with file and line.
  public static func load(project: ProjectFiles) throws(ArtifactError) -> RegressionRecipe {
    let path = project.path(file)
    return try RegressionRecipe(text: HostFiles.text(path), file: project.name(of: path))
  }

  /// Reads a recipe.
  ///
  /// - Throws: `ArtifactError` of kind `input` with file and line.
  public init(text: String, file: String) throws(ArtifactError) {
    var reader = try YAMLReader(text: text, file: file, schema: "crossbar.regression/1")
    var kunit: [KUnitSuite] = []
    for name in try reader.texts("kunit") {
      guard name.utf8.allSatisfy({ UInt8(ascii: "_") == $0 || isLetterOrDigit($0) }) else {
        throw reader.error(
          "`\(name)` is no name of a KUnit suite", mend: "use small letters, digits and underscores"
        )
      }
      kunit.append(KUnitSuite(name: name))
    }
    var kselftests: [Kselftest] = []
    for item in try reader.mappings("kselftests") {
      var entry = item
      let name = try RegressionRecipe.name(&entry)
      kselftests.append(
        Kselftest(
          name: name, sources: try entry.texts("sources"), need: try RegressionRecipe.need(&entry),
          hugePages: try entry.optionalNumber("huge-pages") ?? 0,
          limit: try RegressionRecipe.limit(&entry)))
      try entry.finish()
    }
    var programs: [Program] = []
    for item in try reader.mappings("programs") {
      programs.append(try RegressionRecipe.program(item))
    }
    try reader.finish()
    var known: Set<String> = []
    for name in (kunit.isEmpty ? [] : ["kunit"]) + kselftests.map(\.name) + programs.map(\.name)
    where !known.insert(name).inserted {
      throw reader.error("two programs are called `\(name)`", mend: "give one another name")
    }
    self.kunit = kunit
    self.kselftests = kselftests
    self.programs = programs
  }

  private static func program(_ item: YAMLReader) throws(ArtifactError) -> Program {
    var entry = item
    let name = try name(&entry)
    let command = words(try entry.text("command"))
    var statuses: Set<Int32> = []
    for text in try entry.texts("skip-statuses") {
      guard let status = Int32(text), (1...255).contains(status) else {
        throw entry.error("`\(text)` is no exit status", mend: "write a number from 1 to 255")
      }
      statuses.insert(status)
    }
    let skipLines = try entry.texts("skip-lines")
    let failLines = try entry.texts("fail-lines")
    let need = try need(&entry)
    let limit = try limit(&entry)
    var cases: [Case] = []
    for item in try entry.mappings("cases") {
      var item = item
      let name = try self.name(&item)
      let arguments = try item.optionalText("arguments").map(words) ?? []
      try item.finish()
      guard !cases.contains(where: { $0.name == name }) else {
        throw item.error("there is a case `\(name)` already", mend: "give it another name")
      }
      cases.append(Case(name: name, arguments: arguments))
    }
    try entry.finish()
    guard command.first?.hasPrefix("/") == true else {
      throw entry.error("`command` of \(name) is no path of the guest", mend: "begin it with `/`")
    }
    return Program(
      name: name, command: command, skipStatuses: statuses, skipLines: skipLines,
      failLines: failLines, need: need, limit: limit, cases: cases)
  }

  /// A part of a case's name, which also becomes a directory.
  private static func name(_ entry: inout YAMLReader) throws(ArtifactError) -> String {
    let name = try entry.text("name")
    let isPlain = name.utf8.allSatisfy { $0 == UInt8(ascii: "-") || isLetterOrDigit($0) }
    guard isPlain, !name.hasPrefix("-") else {
      throw entry.error(
        "`\(name)` is no name of a case", mend: "use small letters, digits and dashes")
    }
    return name
  }

  private static func need(_ entry: inout YAMLReader) throws(ArtifactError) -> Need? {
    guard var need = try entry.optionalMapping("needs") else { return nil }
    let value = Need(path: try need.text("path"), reason: try need.text("without"))
    try need.finish()
    return value
  }

  private static func limit(_ entry: inout YAMLReader) throws(ArtifactError) -> Int {
    let limit = try entry.optionalNumber("limit") ?? 60
    guard (1...3600).contains(limit) else {
      throw entry.error("`limit` is \(limit)", mend: "write 1 to 3600 seconds")
    }
    return limit
  }

  private static func words(_ text: String) -> [String] {
    text.split(whereSeparator: \.isWhitespace).map(String.init)
  }
}

private func isLetterOrDigit(_ byte: UInt8) -> Bool {
  (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
}
