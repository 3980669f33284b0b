// SPDX-License-Identifier: Apache-2.0

/// The tests of a program that is written with the kernel's test harness, from what it prints for
/// `-l` (Linux, tools/testing/selftests/kselftest_harness.h).
///
/// The list has a block for each fixture; its columns have nothing to do with each other: each test
/// of a fixture runs in each of its variants.
public enum KselftestList {
  /// More than any program has.
  private static let limit = 2000

  /// The names that `-r` takes, such as `hmm.hmm_device_private.open_close`.
  ///
  /// - Throws: `ProtocolViolation.malformed` if the text is no such list.
  public static func names(_ text: String) throws(ProtocolViolation) -> [String] {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    guard
      let start = lines.firstIndex(where: { $0.hasPrefix("# FIXTURE") }),
      let variant = column(of: "VARIANT", in: lines[start]),
      let test = column(of: "TEST", in: lines[start])
    else { throw .malformed("the list of tests has no heading") }
    var names: [String] = []
    for block in lines[(start + 1)...].split(whereSeparator: { $0.hasPrefix("----") }) {
      let fixture = field(block.first ?? "", 0..<variant)
      let variants = block.map { field($0, variant..<test) }.filter { !$0.isEmpty }
      let tests = block.map { field($0, test..<Int.max) }.filter { !$0.isEmpty }
      for variant in variants.isEmpty ? [""] : variants {
        for test in tests {
          names.append([fixture, variant, test].filter { !$0.isEmpty }.joined(separator: "."))
        }
      }
      guard names.count <= limit else { throw .tooMany("tests in a list") }
    }
    return names
  }

  private static func column(of title: String, in line: Substring) -> Int? {
    line.range(of: " \(title)").map { line.distance(from: line.startIndex, to: $0.lowerBound) + 1 }
  }

  private static func field(_ line: Substring, _ columns: Range<Int>) -> String {
    let count = columns.upperBound == Int.max ? line.count : columns.count
    return line.dropFirst(columns.lowerBound).prefix(count)
      .trimmingCharacters(in: .whitespaces)
  }
}
