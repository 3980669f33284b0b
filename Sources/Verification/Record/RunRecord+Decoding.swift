// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Why data are not a run record.
public enum RunRecordError: Error, Sendable, Hashable {
  /// No JSON object, or one without a schema.
  case noRecord
  /// Another format.
  case otherSchema(String)
  /// The right format, but something in it is missing or wrong.
  case damaged(String)
}

extension RunRecordError: CustomStringConvertible {
  /// What is wrong, and what to do.
  public var description: String {
    switch self {
    case .noRecord: "it is no run record; run it again"
    case .otherSchema(let schema):
      "it has the schema `\(schema.prefix(80))`, and this crossbar reads `\(RunRecord.schema)`; "
        + "use the version that wrote it"
    case .damaged(let what): "it is damaged (\(what)); run it again"
    }
  }
}

extension RunRecord {
  private struct Header: Decodable {
    var schema: String
  }

  /// Reads the content of a `run.json`.
  public init(decoding data: Data) throws(RunRecordError) {
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    guard let header = try? decoder.decode(Header.self, from: data) else { throw .noRecord }
    guard header.schema == Self.schema else { throw .otherSchema(header.schema) }
    do {
      self = try decoder.decode(Self.self, from: data)
      // What follows from the cases is not taken from the file.
      counts = Counts(cases)
      verdict = failures.isEmpty && counts.failed == 0 ? .verified : .failed
    } catch let error as DecodingError {
      throw .damaged(Self.what(error))
    } catch {
      throw .damaged("\(error)")
    }
  }

  private static func what(_ error: DecodingError) -> String {
    let path = { (keys: [any CodingKey]) in keys.map(\.stringValue).joined(separator: ".") }
    return switch error {
    case .keyNotFound(let key, let context): "no `\(path(context.codingPath + [key]))`"
    case .typeMismatch(_, let context), .valueNotFound(_, let context),
      .dataCorrupted(let context):
      "`\(path(context.codingPath))` is wrong"
    @unknown default: "unreadable"
    }
  }
}
