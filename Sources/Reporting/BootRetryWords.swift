// SPDX-License-Identifier: Apache-2.0

import Verification

extension RunRecord {
  /// What there is to say of each boot that was given up.
  var bootRetrySentences: [String] {
    (bootRetries ?? []).map { retry in
      """
      The first boot was given up after \(Figures.seconds(retry.seconds)): \(retry.reason). Under TCG \
      a guest now and then loses a timer interrupt. Everything else here is of the boot after it; the \
      console of the first is \(retry.console).
      """
    }
  }
}
