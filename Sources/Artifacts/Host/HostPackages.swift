// SPDX-License-Identifier: Apache-2.0

import SystemPackage

/// The Debian packages that Crossbar needs, read from `images/host-packages.txt`.
///
/// A line is `package<TAB>probe<TAB>why`; `#` starts a comment. The probe is an absolute path that
/// must exist. The first words of why, up to a colon, are the area that needs the package, such as
/// `kernel build`.
public struct HostPackages: Hashable, Sendable {
  /// One package.
  public struct Package: Hashable, Sendable {
    /// Name of the Debian package.
    public let name: String
    /// Absolute path that exists when the package is installed.
    public let probe: String
    /// What Crossbar needs it for, beginning with the area.
    public let why: String

    /// The part of Crossbar that needs it: the text of why before the colon.
    public var area: String {
      why.split(separator: ":", maxSplits: 1).first.map(String.init) ?? why
    }
  }

  /// All packages, in the order of the file.
  public let packages: [Package]

  /// Reads the project's list.
  ///
  /// - Throws: `ArtifactError` when the file is missing or a line is no package.
  public init(project: ProjectFiles) throws(ArtifactError) {
    let path = project.path("images/host-packages.txt")
    try self.init(text: HostFiles.text(path), file: project.name(of: path))
  }

  /// Reads a list from text; `file` is the name for errors.
  ///
  /// - Throws: `ArtifactError` of kind `input` that names the line.
  public init(text: String, file: String) throws(ArtifactError) {
    var packages: [Package] = []
    for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
    {
      if line.isEmpty || line.hasPrefix("#") { continue }
      let fields = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
      guard fields.count == 3, !fields[0].isEmpty, fields[1].hasPrefix("/"), !fields[2].isEmpty
      else {
        throw ArtifactError(
          .input, "\(file):\(index + 1): not a package line",
          mend: "write package, probe path and reason with tabs between")
      }
      packages.append(Package(name: fields[0], probe: fields[1], why: fields[2]))
    }
    self.packages = packages
  }

  /// The packages whose probe does not exist on this host.
  ///
  /// - Parameter area: only packages of this area; nil for all.
  public func missing(area: String? = nil) -> [Package] {
    packages.filter { package in
      (area == nil || package.area == area)
        && !HostFiles.exists(FilePath(package.probe))
    }
  }

  /// The package that brings a program, by the last component of its probes.
  public func package(providing program: String) -> String? {
    packages.first { FilePath($0.probe).lastComponent?.string == program }?.name
  }

  /// Throws when packages of an area are missing, naming all of them at once.
  func require(area: String) throws(ArtifactError) {
    let missing = missing(area: area)
    guard !missing.isEmpty else { return }
    let names = missing.map(\.name).joined(separator: " ")
    throw ArtifactError(
      .missingTool,
      "the \(area) lacks "
        + missing.map { "\($0.probe) (\($0.name))" }.joined(separator: ", "),
      mend: "install it with `apt-get install \(names)`")
  }
}
