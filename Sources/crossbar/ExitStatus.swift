// SPDX-License-Identifier: Apache-2.0

import Artifacts
import Harness
import Hypervisor
import Reporting
import Topology

/// The exit codes of `crossbar`; thrown by a command that has said everything already.
enum ExitStatus: Int32, Error {
  case verified = 0
  case failed = 1
  case wrongRequest = 2
  case environment = 3
  case interrupted = 130

  /// The status that an error of a command stands for. An error that nobody expected is no fault of
  /// the request.
  init(of error: any Error) {
    switch error {
    case is TopologyError, is RequestError, is ReportError: self = .wrongRequest
    case is CancellationError: self = .interrupted
    case let error as ArtifactError:
      self =
        switch error.kind {
        case .cancelled: .interrupted
        case .input: .wrongRequest
        default: .environment
        }
    case let error as HypervisorError:
      self =
        switch error.kind {
        case .cancelled: .interrupted
        case .invalidDescription: .wrongRequest
        default: .environment
        }
    default: self = .environment
    }
  }
}
