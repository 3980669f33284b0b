// SPDX-License-Identifier: Apache-2.0

import Artifacts
import Foundation
import Harness
import Hypervisor
import PCIInspection
import PeerGPU
import Reporting
import Topology

/// Why a command gave no result: as a sentence, as a document, and as an exit code.
struct Failure: Encodable {
  let status: ExitStatus
  let message: String

  private enum CodingKeys: CodingKey { case error }
  private enum ErrorKeys: CodingKey {
    case exitCode
    case message
  }

  init(_ error: any Error) {
    status = ExitStatus(of: error)
    message =
      Self.hasSentence(error)
      ? String(describing: error) : EnvironmentError(unexpected: error).description
  }

  func encode(to encoder: any Encoder) throws {
    var document = encoder.container(keyedBy: CodingKeys.self)
    var inner = document.nestedContainer(keyedBy: ErrorKeys.self, forKey: .error)
    try inner.encode(status.rawValue, forKey: .exitCode)
    try inner.encode(message, forKey: .message)
  }

  /// `{"error": {"exitCode": ..., "message": ...}}`, for a reader of `--json`.
  var document: String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    guard let data = try? encoder.encode(self) else { return "{}" }
    return String(decoding: data, as: UTF8.self)
  }

  /// Whether an error is one of ours, which say themselves what to do.
  private static func hasSentence(_ error: any Error) -> Bool {
    switch error {
    case is TopologyError, is RequestError, is EnvironmentError, is ReportError, is ArtifactError,
      is HypervisorError, is PCIDumpError, is VideoMemoryError, is PeerGPUError,
      is CancellationError:
      true
    default: false
    }
  }
}
