// SPDX-License-Identifier: Apache-2.0

import Yams

/// Where in a YAML file a value stands.
struct SourceMap {
  /// The file as the user named it.
  let file: String
  /// The whole document.
  let root: Node

  /// One step from a node to a node inside it.
  enum Step: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral {
    case key(String)
    case index(Int)

    init(stringLiteral key: String) { self = .key(key) }
    init(integerLiteral index: Int) { self = .index(index) }
  }

  /// Reads the only document of a file.
  init(yaml: String, file: String) throws(TopologyError) {
    self.file = file
    let composed: Node?
    do {
      composed = try Yams.compose(yaml: yaml)
    } catch {
      throw Self.mended(error, file: file)
    }
    guard let composed else {
      throw TopologyError(
        file: file, line: 1, message: "the file is empty",
        mend: "start it with `crossbar: topology/1`")
    }
    root = composed
  }

  /// An error at a value, or at the innermost entry around it that exists.
  func error(at path: [Step], _ message: String, mend: String) -> TopologyError {
    error(at: mark(at: path), message, mend: mend)
  }

  /// An error at a place of the file.
  func error(at mark: Mark?, _ message: String, mend: String) -> TopologyError {
    TopologyError(
      file: file, line: mark?.line, column: mark?.column, message: message, mend: mend)
  }

  /// The line that a value is on.
  func line(of path: [Step]) -> Int {
    mark(at: path)?.line ?? 1
  }

  private func mark(at path: [Step]) -> Mark? {
    var node = root
    var mark = node.mark
    for step in path {
      let next: Node?
      switch step {
      case .key(let key): next = node.mapping?.first { $0.key.scalar?.string == key }?.value
      case .index(let index):
        let sequence = node.sequence.map(Array.init) ?? []
        next = sequence.indices.contains(index) ? sequence[index] : nil
      }
      guard let next else { break }
      node = next
      mark = next.mark ?? mark
    }
    return mark
  }

  private static func mended(_ error: any Error, file: String) -> TopologyError {
    func invalid(_ problem: String, line: Int?, column: Int? = nil) -> TopologyError {
      TopologyError(
        file: file, line: line, column: column, message: "not valid YAML: \(problem)",
        mend: "mend the line, or compare it with a file in qemu-configs/topologies")
    }
    guard let error = error as? YamlError else { return invalid("\(error)", line: nil) }
    switch error {
    case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
      .composer(_, let problem, let mark, _):
      return invalid(problem, line: mark.line, column: mark.column)
    case .reader(let problem, let offset, _, let yaml):
      let before = yaml.prefix(offset ?? 0)
      return invalid(problem, line: before.count { $0.isNewline } + 1)
    case .duplicatedKeysInMapping(let keys, let context):
      let named = Suggestion.list(keys.map { String($0.prefix(40)) })
      return TopologyError(
        file: file, line: context.mark.line, column: context.mark.column,
        message: "\(named) is given more than once in one entry", mend: "keep one of them")
    default:
      return invalid("\(error)", line: nil)
    }
  }
}
