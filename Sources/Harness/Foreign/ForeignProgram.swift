// SPDX-License-Identifier: Apache-2.0

import Hypervisor

/// Runs a command of somebody else's program in the guest, with its output and its errors in one.
struct ForeignProgram: Sendable {
  /// How it ended.
  enum Ending: Sendable, Hashable {
    /// With a status, as a shell has it.
    case exited(Int32)
    /// It did not end by itself; why. The guest lives.
    case given(up: String)
    /// The guest did not survive it; why.
    case guestLost(String)
  }

  let guest: Guest
  let command: [String]
  var directory = "/"
  var environment: [String: String] = [:]

  private static let script = "cd \"$0\" && exec \"$@\" 2>&1"

  /// Runs it to its end.
  ///
  /// - Parameters:
  ///   - limit: after this long it is killed.
  ///   - onLine: receives each line.
  /// - Throws: what ends a run without a verdict, as cancellation.
  func run(
    limit: Duration, onLine: (String) throws -> Void
  ) async throws -> Ending {
    do {
      let program = try await guest.runProgram(
        "/bin/busybox", ["sh", "-c", Self.script, directory] + command, environment: environment,
        limits: ProgramLimits(idle: limit, total: limit))
      return .exited(try await program.exit { try onLine($0) }.status)
    } catch let error as HypervisorError {
      switch error.kind {
      case .guestSilent, .timeout, .limitExceeded, .programEnded:
        return .given(up: error.description)
      case .guestEnded, .guestPanicked, .programStuck: return .guestLost(error.description)
      default: throw error
      }
    }
  }
}
