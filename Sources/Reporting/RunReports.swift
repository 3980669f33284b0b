// SPDX-License-Identifier: Apache-2.0

import Foundation
import Verification

/// The reports of one run as files, by name: `junit.xml` and `report.html`.
public enum RunReports {
  /// The files and their content.
  public static func files(of record: RunRecord) throws -> [(name: String, content: Data)] {
    [
      ("junit.xml", JUnitReport(record).data),
      ("report.html", Data(try HTMLReport(record).text().utf8)),
    ]
  }
}
