// SPDX-License-Identifier: Apache-2.0

import Foundation
import SystemPackage

/// The kernel's patch series as something to work on: commits of a git repository, one a patch with its
/// new files, and these commits as patches and files again.
public struct KernelSeries: Sendable {
  /// Tag of the commit that the series begins after.
  static let base = "base"
  /// The branch of the series.
  static let branch = "series"

  /// What a repository remembers of where it came from.
  enum Setting {
    /// The flavour whose series it has.
    static let flavour = "crossbar.flavour"
    /// A digest of the project's series when both were equal.
    static let digest = "crossbar.series"
  }

  let project: ProjectFiles
  let store: ArtifactStore
  private let environment: [String: String]

  /// The series of a project.
  ///
  /// - Parameters:
  ///   - project: where recipes, patches and new files are.
  ///   - store: where the kernel's source is, or will be.
  ///   - environment: see `KernelArtifact.init`.
  public init(
    project: ProjectFiles, store: ArtifactStore,
    environment: [String: String] = ProcessInfo.processInfo.environment
  ) {
    self.project = project
    self.store = store
    self.environment = environment
  }

  /// A directory that was made to be worked in.
  public struct Edited: Hashable, Sendable, Encodable {
    /// The kernel's version, such as `7.2.13`.
    public let version: String
    /// The patches that became commits.
    public let patches: [String]
  }

  /// Unpacks a flavour's source into a directory and makes it a git repository: one commit for the
  /// source, tagged `base`, and one for each patch.
  ///
  /// - Parameters:
  ///   - directory: a new or an empty directory.
  ///   - flavour: which series; nil for that of the default flavour.
  ///   - progress: receives reports; it takes a minute.
  /// - Returns: what was made.
  /// - Throws: `ArtifactError`, of kind `input` for a directory that holds something. Then the
  ///   directory is as it was.
  public func edit(
    _ directory: FilePath, flavour: String? = nil,
    progress: @escaping ArtifactProgressHandler = { _ in }
  ) async throws(ArtifactError) -> Edited {
    let place = HostFiles.absolute(directory)
    let recipe = try KernelRecipe.load(flavour, project: project)
    let series = try PatchSeries(of: recipe, project: project)
    let existed = HostFiles.exists(place)
    guard !existed || (HostFiles.isDirectory(place) && HostFiles.names(in: place).isEmpty) else {
      throw ArtifactError(
        .input, "\(directory) is there already and is no empty directory",
        mend: "name a new one; the work in it may be somebody's")
    }
    let span = ProgressSpan(label: "kernel \(recipe.name) in \(directory)", handler: progress)
    let artifact = KernelArtifact(
      .flavour(recipe.name), project: project, store: store, environment: environment)
    // Seconds on two cores.
    let parts = span.parts(weights: [30, 15, 30, Double(series.count), 2])
    let source = try await artifact.sourceTree(of: recipe, progress: parts[0])
    do throws(ArtifactError) {
      let work = SeriesCheckout(
        directory: place, project: project, recipe: recipe, series: series)
      try await work.make(from: source.tree, origin: source.origin, progress: parts)
    } catch {
      for name in HostFiles.names(in: place) { try? HostFiles.remove(place.appending(name)) }
      if !existed { try? HostFiles.remove(place) }
      throw error
    }
    span.report(1, "ready")
    return Edited(
      version: try KernelTree(place).version, patches: series.patches.map(\.name))
  }
}
