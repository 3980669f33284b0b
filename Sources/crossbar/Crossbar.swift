// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import Harness
import Hypervisor

/// The command line: arguments in, exit code out.
@main
struct Crossbar: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "crossbar",
    abstract: "Tests peer-to-peer DMA on guests with an emulated NVMe controller and GPU.",
    discussion: """
      EXAMPLES
        crossbar run                          one guest, one suite, one verdict
        crossbar run root-ports --strict      known limits are failures
        crossbar topology show switch         draw a topology
        crossbar doctor                       try what this host can do

      EXIT CODES
        0 all verified   1 a verification failed   2 the request is wrong
        3 the environment failed   130 interrupted, everything cleaned up
      """,
    version: CrossbarVersion.current,
    subcommands: [
      RunCommand.self, ReportCommand.self, CompareCommand.self, TopologyCommand.self,
      KernelCommand.self, DoctorCommand.self,
    ])

  /// Runs a command and ends the process with the exit code of `ExitStatus`.
  static func main() async {
    // First of all: this may be the process that outlives a killed one to clean up after it.
    Supervisor.runIfRequested()
    // A reader that goes away (`crossbar report | head`) must not kill a run half-way.
    signal(SIGPIPE, SIG_IGN)
    let status = await status()
    Foundation.exit(status.rawValue)
  }

  private static func status() async -> ExitStatus {
    var command: any ParsableCommand
    do {
      command = try parseAsRoot()
    } catch {
      return answer(parser: error)
    }
    do {
      if var asynchronous = command as? any AsyncParsableCommand {
        try await asynchronous.run()
      } else {
        try command.run()
      }
      return .verified
    } catch let status as ExitStatus {
      return status
    } catch let error where isParsers(error) {
      return answer(parser: error)
    } catch {
      let failure = Failure(error)
      Terminal.error(failure.message)
      if (command as? any JSONCommand)?.json == true { print(failure.document) }
      return failure.status
    }
  }

  /// Whether an error of a command is the argument parser's: it asks for help, or a combination of
  /// arguments makes no sense. The parser's types are its own; it tells them by their exit codes.
  private static func isParsers(_ error: any Error) -> Bool {
    [.success, .validationFailure].contains(exitCode(for: error))
  }

  /// Prints what the argument parser has to say: help, a version, or what is wrong with the
  /// arguments.
  private static func answer(parser error: any Error) -> ExitStatus {
    let text = fullMessage(for: error)
    guard exitCode(for: error) != .success else {
      print(text)
      return .verified
    }
    Terminal.standardError(text + "\n")
    return .wrongRequest
  }
}
