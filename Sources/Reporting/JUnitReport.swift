// SPDX-License-Identifier: Apache-2.0

import Foundation
import FoundationXML
import Verification

/// Runs as JUnit XML, for continuous integration: one suite a run. A known limit is a skipped test,
/// with its reason.
public struct JUnitReport: Sendable {
  private let records: [RunRecord]

  /// Prepares a report on one run.
  public init(_ record: RunRecord) {
    records = [record]
  }

  /// Prepares a report on several runs.
  public init(_ records: [RunRecord]) {
    self.records = records
  }

  /// The document.
  public var data: Data {
    let root = XMLElement(name: "testsuites")
    for record in records { root.addChild(suite(record)) }
    let document = XMLDocument(rootElement: root)
    document.version = "1.0"
    document.characterEncoding = "UTF-8"
    return document.xmlData(options: .nodePrettyPrint)
  }

  private func suite(_ record: RunRecord) -> XMLElement {
    let suite = XMLElement(name: "testsuite")
    let general = Self.generalFailures(of: record)
    suite.set("name", "\(record.suite).\(record.topology.name)")
    suite.set("tests", "\(record.cases.count + general.count)")
    suite.set("failures", "\(record.counts.failed)")
    suite.set("errors", "\(general.count)")
    suite.set("skipped", "\(record.counts.skipped + record.counts.knownLimit)")
    suite.set("time", Self.seconds(record.timings.total))
    suite.addChild(properties(record))
    for item in record.cases { suite.addChild(test(item, record)) }
    for failure in general {
      let test = XMLElement(name: "testcase")
      test.set("classname", record.topology.name)
      test.set("name", "the run as a whole")
      test.addChild(Self.finding("error", "run", failure))
      suite.addChild(test)
    }
    return suite
  }

  /// What is wrong with the run besides its cases.
  private static func generalFailures(of record: RunRecord) -> [String] {
    let cases = Set(record.cases.filter { $0.outcome.kind == .failed }.map(\.name))
    return record.failures.filter { failure in
      !cases.contains { failure.hasPrefix("\($0): ") }
    }
  }

  /// How the blocks of files moved in a case, by all accounts; none for cases of other suites.
  private static func paths(of item: CaseRecord) -> [(String, String)] {
    guard let gpu = item.gpu, let files = gpu.files else { return [] }
    var values = [("path", files.path.rawValue)]
    if let pages = files.pages {
      values += [
        ("pages.direct", "\(pages.direct)"), ("pages.fallback", "\(pages.fallback)"),
        ("refusals", "\(pages.refusals)"),
      ]
    }
    values += gpu.bytes.sorted { $0.key < $1.key }.map { ("bytes.\($0.key)", "\($0.value)") }
    for (id, traffic) in (files.controllers ?? [:]).sorted(by: { $0.key < $1.key }) {
      values += [
        ("\(id).filled", "\(traffic.filled)"), ("\(id).writtenBack", "\(traffic.writtenBack)"),
        ("\(id).memory", "\(traffic.memory)"),
      ]
    }
    return values
  }

  private static func properties(_ values: [(String, String)]) -> XMLElement {
    let properties = XMLElement(name: "properties")
    for (name, value) in values {
      let property = XMLElement(name: "property")
      property.set("name", name)
      property.set("value", value)
      properties.addChild(property)
    }
    return properties
  }

  private func properties(_ record: RunRecord) -> XMLElement {
    let environment = record.environment
    let values = [
      ("kernel", record.kernel.release), ("qemu", environment.qemu),
      ("libvirt", environment.libvirt), ("accelerator", environment.accelerator),
      ("iommu", environment.iommu?.words ?? "none"),
      ("crossbar", environment.crossbar), ("verdict", record.verdict.rawValue),
    ]
    let options = record.options.sorted { $0.key < $1.key }.map { ("option.\($0.key)", $0.value) }
    let retries = record.bootRetrySentences.map { ("bootRetry", $0.printable) }
    return Self.properties(values + options + retries)
  }

  private func test(_ item: CaseRecord, _ record: RunRecord) -> XMLElement {
    let test = XMLElement(name: "testcase")
    let places = [record.topology.name, item.volume, item.peer].filter { !$0.isEmpty }
    test.set("classname", places.joined(separator: "."))
    test.set("name", item.name)
    let own = item.foreign?.seconds ?? 0
    test.set("time", Self.seconds(item.phases.reduce(own) { $0 + $1.seconds }))
    let paths = Self.paths(of: item)
    if !paths.isEmpty { test.addChild(Self.properties(paths)) }
    let outcome = item.outcome
    switch outcome.kind {
    case .verified, .refusedFellBack: break
    case .skipped, .knownLimit:
      let skipped = XMLElement(name: "skipped")
      skipped.set("message", "\(outcome.words): \(outcome.explanation)")
      test.addChild(skipped)
    case .failed:
      test.addChild(Self.finding("failure", outcome.words, outcome.explanation))
    }
    return test
  }

  private static func finding(_ name: String, _ type: String, _ text: String) -> XMLElement {
    let element = XMLElement(name: name, stringValue: text.printable)
    element.set("type", type)
    element.set("message", String(text.prefix(200)))
    return element
  }

  private static func seconds(_ value: Double) -> String {
    Figures.decimal(value.isFinite ? value : 0, places: 6)
  }
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
