// SPDX-License-Identifier: Apache-2.0

import SystemPackage

/// Versions of the host's tools, as inputs of what they make.
enum ToolVersion {
  /// The first line of what `TOOL --version` prints.
  static func line(of tool: FilePath) async throws(ArtifactError) -> String {
    try await Command(tool, ["--version"])
      .check("asking for the version of \(tool)", mend: "check that it is installed").first ?? ""
  }
}
