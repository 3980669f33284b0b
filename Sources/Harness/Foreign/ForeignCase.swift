// SPDX-License-Identifier: Apache-2.0

import Artifacts
import Topology
import Verification

/// A case of the suite `regression`: a command of somebody else's program.
struct ForeignCase: Sendable {
  /// The program's name.
  var program: String
  /// PROGRAM.WHAT, and .VOLUME for a case on a volume.
  var name: String
  /// On which volume, by its place among all; nil for none.
  var volume: Int?
  /// The command; `{dir}` stands for the case's directory, `{dev}` for the volume's device.
  var command: [String]
  /// Whether the volume has to be unmounted meanwhile.
  var isOffline = false
  /// Seconds that it may take.
  var limit: Int
  /// What the kernel must have.
  var need: RegressionRecipe.Need?
  /// Huge pages that are reserved meanwhile.
  var hugePages = 0
  /// What the program's end means.
  var judgement = ForeignJudgement()

  /// Stands for the case's directory.
  static let directoryWord = "{dir}"
  /// Stands for the volume's device.
  static let deviceWord = "{dev}"

  /// The case of a suite of KUnit tests.
  static func result(of suite: RegressionRecipe.KUnitSuite) -> ForeignCase {
    ForeignCase(
      program: "kunit", name: "kunit.\(suite.name)",
      command: ["/bin/busybox", "cat", suite.results], limit: 60,
      need: suite.need, judgement: ForeignJudgement(speaksTAP: true))
  }

  /// The case that looks whether the file system of the volume at this place is whole.
  static func check(of volume: Namespace, at index: Int) -> ForeignCase {
    let command =
      switch volume.filesystem {
      case .ext4: ["/bin/e2fsck", "-f", "-n", deviceWord]
      case .xfs: ["/bin/xfs_repair", "-n", deviceWord]
      }
    return ForeignCase(
      program: "fsck", name: "fsck.check.\(volume.id)", volume: index, command: command,
      isOffline: true, limit: 120)
  }

  /// The cases of the kernel's own tests, by the list that a test gives of itself.
  static func cases(of test: RegressionRecipe.Kselftest, named names: [String]) -> [ForeignCase] {
    names.map { name in
      ForeignCase(
        program: test.name, name: "\(test.name).\(name)",
        command: [GuestSession.path(of: test.name), "-r", name], limit: test.limit, need: test.need,
        hugePages: test.hugePages, judgement: ForeignJudgement(speaksTAP: true))
    }
  }

  /// The cases of a program on the volumes with these ids.
  static func cases(of program: RegressionRecipe.Program, on volumes: [String]) -> [ForeignCase] {
    let judgement = ForeignJudgement(
      skipStatuses: program.skipStatuses, skipLines: program.skipLines.map(Glob.init),
      failLines: program.failLines.map(Glob.init))
    return volumes.enumerated().flatMap { index, volume in
      program.cases.map { item in
        ForeignCase(
          program: program.name, name: "\(program.name).\(item.name).\(volume)", volume: index,
          command: program.command + item.arguments, limit: program.limit, need: program.need,
          judgement: judgement)
      }
    }
  }
}
