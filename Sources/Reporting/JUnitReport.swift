// SPDX-License-Identifier: Apache-2.0

import Foundation
import FoundationXML
import Verification

/// A run as JUnit XML, for continuous integration.
public struct JUnitReport: Sendable {
  let record: RunRecord

  /// Prepares a report.
  public init(_ record: RunRecord) {
    self.record = record
  }

  /// The document. A known limit is a skipped test, with its reason.
  public var data: Data {
    let suite = XMLElement(name: "testsuite")
    let attributes = [
      "name": "\(record.suite).\(record.topology.name)",
      "tests": "\(record.cases.count + (record.interruption == nil ? 0 : 1))",
      "failures": "\(record.count(.failed))",
      "errors": record.interruption == nil ? "0" : "1",
      "skipped": "\(record.count(.skipped) + record.count(.knownLimit))",
      "time": Self.seconds(record.timings.run),
    ]
    for (name, value) in attributes.sorted(by: { $0.key < $1.key }) { suite.set(name, value) }
    for item in record.cases { suite.addChild(element(item)) }
    if let interruption = record.interruption {
      let test = XMLElement(name: "testcase")
      test.set("classname", record.topology.name)
      test.set("name", "the suite comes to its end")
      test.addChild(Self.finding("error", "interrupted", interruption))
      suite.addChild(test)
    }
    let root = XMLElement(name: "testsuites")
    root.addChild(suite)
    let document = XMLDocument(rootElement: root)
    document.version = "1.0"
    document.characterEncoding = "UTF-8"
    return document.xmlData(options: .nodePrettyPrint)
  }

  private func element(_ item: CaseRecord) -> XMLElement {
    let test = XMLElement(name: "testcase")
    test.set("classname", "\(record.topology.name).\(item.volume).\(item.peer)")
    test.set("name", item.name)
    test.set("time", Self.seconds(item.phases.reduce(0) { $0 + $1.seconds }))
    let outcome = item.outcome
    switch outcome.kind {
    case .verified, .refusedFellBack: break
    case .skipped, .knownLimit:
      let skipped = XMLElement(name: "skipped")
      skipped.set("message", outcome.explanation)
      test.addChild(skipped)
    case .failed:
      test.addChild(
        Self.finding("failure", outcome.failure?.rawValue ?? "failed", outcome.explanation))
    }
    return test
  }

  private static func finding(_ name: String, _ type: String, _ text: String) -> XMLElement {
    let element = XMLElement(name: name, stringValue: text.printable)
    element.set("type", type)
    element.set("message", String(text.prefix(200)))
    return element
  }

  private static func seconds(_ value: Double) -> String { String(format: "%.6f", value) }
}

extension XMLElement {
  /// Sets an attribute to text that is safe in XML 1.0.
  fileprivate func set(_ name: String, _ value: String) {
    let attribute = XMLNode(kind: .attribute)
    attribute.name = name
    attribute.stringValue = value.printable
    addAttribute(attribute)
  }
}
