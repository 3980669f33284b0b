// SPDX-License-Identifier: Apache-2.0

import Foundation
import Verification

/// Reads the records of finished runs.
public enum RunLoader {
  private struct Header: Decodable { var schema: String }

  /// The record in a run directory.
  ///
  /// - Throws: `ReportError` for a directory that is no finished run, or of another format.
  public static func load(directory: String) throws -> RunRecord {
    let path = "\(directory)/run.json"
    guard let data = FileManager.default.contents(atPath: path) else {
      throw ReportError(
        """
        \(directory) has no run.json, so no run came to its end there. Name a run directory, such as \
        those in runs/.
        """)
    }
    let decoder = JSONDecoder()
    guard let header = try? decoder.decode(Header.self, from: data) else {
      throw ReportError("\(path) is no run record. Run it again.")
    }
    guard header.schema == RunRecord.schema else {
      throw ReportError(
        """
        \(path) has the schema \(header.schema.prefix(80)); this crossbar reads \(RunRecord.schema). \
        Use the version that wrote it.
        """)
    }
    do {
      return try decoder.decode(RunRecord.self, from: data)
    } catch {
      throw ReportError("\(path) is damaged: \(error). Run it again.")
    }
  }
}
