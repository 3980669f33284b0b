// SPDX-License-Identifier: Apache-2.0

import Artifacts
import SystemPackage
import Topology
import Verification

extension RunRequest {
  /// The manifest of what the suite's guest has besides what every guest has.
  var initramfsAddition: String? {
    switch suite {
    case .regression: "images/guest/initramfs-regression.yaml"
    case .xfstests: "images/guest/initramfs-xfstests.yaml"
    default: nil
    }
  }

  /// Whether a case is to run whose name has these parts.
  func chooses(_ name: String) -> Bool {
    only.isEmpty || only.contains { Glob($0).matches(name) }
  }

  /// Whether a case is to run, perhaps, whose name begins like this.
  func mightChoose(prefix: String) -> Bool {
    only.isEmpty || only.contains { Glob($0).couldMatch(prefix: prefix) }
  }

  /// The file systems of the topology, each once.
  var fileSystems: [FileSystem] {
    FileSystem.allCases.filter { kind in topology.namespaces.contains { $0.filesystem == kind } }
  }

  /// The tests of the user's tree for each of them.
  func xfstestsPlan() throws(RequestError) -> [(fileSystem: FileSystem, tests: [String])] {
    let tree = try xfstestsTree()
    return fileSystems.map { ($0, tree.tests(for: $0, choice: only)) }
  }

  /// The user's tree.
  func xfstestsTree() throws(RequestError) -> XfstestsTree {
    guard let xfstests else {
      throw RequestError(
        "The suite xfstests runs a tree of yours: name it with --xfstests DIR, once it is built.")
    }
    do {
      return try XfstestsTree(FilePath(xfstests))
    } catch {
      throw RequestError("--xfstests: \(error)")
    }
  }

  /// Refuses a tree for another suite, none for this one, and one that does not do.
  func checkXfstests() throws(RequestError) {
    guard suite == .xfstests else {
      guard xfstests == nil else {
        throw RequestError(
          "--xfstests goes with --suite xfstests; the suite \(suite.rawValue) has no use for it.")
      }
      return
    }
    let tree = try xfstestsTree()
    guard topology.namespaces.count >= 2 else {
      throw RequestError(
        """
        \(topologyPath): the suite xfstests formats two namespaces, one to test and one for scratch, \
        and \(topology.name) has \(topology.namespaces.count).
        """)
    }
    func matchesNone(_ choice: [String]) -> Bool {
      fileSystems.allSatisfy { tree.tests(for: $0, choice: choice).isEmpty }
    }
    let strange = only.filter { matchesNone([$0]) }.map { "--only '\($0)'" }
    guard strange.isEmpty, !matchesNone(only) else {
      throw RequestError(
        """
        No test of \(xfstests ?? "") matches \
        \(strange.isEmpty ? "the group quick" : strange.joined(separator: " or ")). Tests are called \
        as in 'generic/001' or 'generic/*', groups as in 'auto'.
        """)
    }
  }
}
