// SPDX-License-Identifier: Apache-2.0

import Verification

extension RunRecord {
  /// What was asked for besides topology and suite, in the words of the command line.
  var optionWords: String {
    ((strict ? ["strict"] : [])
      + options.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" })
      .joined(separator: " · ").printable
  }
}
