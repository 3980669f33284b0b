// SPDX-License-Identifier: Apache-2.0

import Foundation
import Verification

/// Reads the records of finished runs.
public enum RunLoader {
  /// The record in a run directory.
  ///
  /// - Throws: `ReportError` for a directory that is no finished run, or of another format.
  public static func load(directory: String) throws(ReportError) -> RunRecord {
    let path = "\(directory)/run.json"
    guard let data = FileManager.default.contents(atPath: path) else {
      throw ReportError(
        """
        \(directory) has no run.json, so no run came to its end there. Name a run directory, such as \
        those in runs/.
        """)
    }
    do {
      return try RunRecord(decoding: data)
    } catch {
      throw ReportError("Can't use \(path): \(error).")
    }
  }
}
