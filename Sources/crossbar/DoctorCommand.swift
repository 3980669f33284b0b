// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import Harness

/// `crossbar doctor`.
struct DoctorCommand: AsyncParsableCommand, JSONCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor",
    abstract: "Tries what this host can do, and says how to mend what it can't.",
    discussion: """
      Everything is tried rather than guessed: QEMU starts with each device, libvirt's \
      embedded driver is opened, a kernel boots under KVM, a program is compiled. Exits 3 if \
      something is broken.

      EXAMPLES
        crossbar doctor
        crossbar doctor --json | jq '.[] | select(.status != "works")'
      """)

  @OptionGroup var output: OutputOptions

  var json: Bool { output.json }

  func run() async throws {
    let view = ProgressView(output)
    let findings = try await Interruption.cancelling {
      try await Doctor.standard().findings(progress: view.show)
    }
    view.clear()
    if output.json {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
      print(String(decoding: try encoder.encode(findings), as: UTF8.self))
    } else {
      for finding in findings { print(Self.text(finding)) }
    }
    if findings.contains(where: { $0.status == .broken }) { throw ExitStatus.environment }
  }

  private static func text(_ finding: DoctorFinding) -> String {
    let (mark, colour) =
      switch finding.status {
      case .works: ("✓", 32)
      case .limited: ("!", 33)
      case .broken: ("✗", 31)
      }
    let subject = finding.subject.padding(toLength: 20, withPad: " ", startingAt: 0)
    let drawn = Terminal.showsColours ? "\u{1B}[\(colour)m\(mark)\u{1B}[0m" : mark
    let line = "\(drawn) \(subject) \(finding.detail)"
    guard let mend = finding.mend else { return line }
    return line + "\n  " + String(repeating: " ", count: 21) + "→ \(mend)"
  }
}
