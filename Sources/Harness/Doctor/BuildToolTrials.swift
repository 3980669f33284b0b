// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Whether what builds the guest kernel and the guest programs works, tried by using it.
struct BuildToolTrials: Sendable {
  /// A tool, and a use of it that succeeds quickly.
  private struct Tool {
    var name: String
    var arguments: [String]
    var input = ""
    /// What its output must hold.
    var expected = ""
    var package: String
  }

  private static let tools = [
    Tool(
      name: "gcc",
      arguments: ["-static", "-pthread", "-x", "c", "-", "-o", "/dev/null"],
      input: "#include <stdio.h>\nint main(void) { return puts(\"\") < 0; }\n",
      package: "gcc and libc6-dev"),
    Tool(
      name: "flex", arguments: ["--stdout"], input: "%%\na ;\n", package: "flex"),
    Tool(
      name: "bison", arguments: ["--output=/dev/null", "/dev/stdin"],
      input: "%%\ns: 'a';\n%%\n", package: "bison"),
    Tool(name: "bc", arguments: ["-q"], input: "6 * 7\n", expected: "42", package: "bc"),
    Tool(
      name: "xz", arguments: ["-c"], input: "crossbar\n", expected: "7zXZ", package: "xz-utils"),
    Tool(
      name: "lz4", arguments: ["-c", "-z"], input: "crossbar\n", expected: "crossbar",
      package: "lz4"),
    Tool(
      name: "patch", arguments: ["--batch", "--dry-run", "-p0"],
      input: "--- /dev/null\n+++ crossbar-trial\n@@ -0,0 +1 @@\n+crossbar\n", package: "patch"),
    Tool(name: "make", arguments: ["--version"], package: "make"),
    Tool(name: "ccache", arguments: ["--version"], package: "ccache"),
  ]

  /// One finding for all that works, one for each tool that doesn't.
  static func findings() async -> [DoctorFinding] {
    var working: [String] = []
    var findings: [DoctorFinding] = []
    for tool in tools {
      let trial = await Trial.run(tool.name, tool.arguments, input: tool.input)
      if trial.succeeded, tool.expected.isEmpty || trial.output.contains(tool.expected) {
        working.append(tool.name)
      } else if tool.name == "ccache" {
        findings.append(
          DoctorFinding(
            tool.name, .limited, "does not run; kernel builds start from nothing each time",
            mend: "Install the package \(tool.package)."))
      } else {
        findings.append(
          DoctorFinding(
            tool.name, .broken, trial.firstLine.isEmpty ? "does not run" : trial.firstLine,
            mend: "Install the package \(tool.package)."))
      }
    }
    let all = DoctorFinding("build tools", .works, working.joined(separator: ", "))
    return working.isEmpty ? findings : [all] + findings
  }
}
