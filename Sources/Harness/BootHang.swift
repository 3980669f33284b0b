// SPDX-License-Identifier: Apache-2.0

import Hypervisor

/// A boot that stopped without a reason of the guest's own. Under TCG a guest loses a timer interrupt
/// now and then and waits for it for ever, which says nothing of the kernel under test.
struct BootHang: Error {
  /// What the boot ended with.
  let error: HypervisorError

  /// Reports that say that the kernel itself is broken, so that it would hang again.
  private static let faults: Set<ConsoleFinding.Kind> = [
    .panic, .bug, .warning, .ubsan, .kasan, .lockdep, .outOfMemory,
  ]

  /// Decides whether a boot that failed has hung.
  ///
  /// - Parameters:
  ///   - error: what it ended with.
  ///   - accelerator: what executed it.
  ///   - console: all that its console reported.
  init?(
    _ error: any Error, under accelerator: GuestDescription.Accelerator, console: [ConsoleFinding]
  ) {
    guard accelerator == .tcg, let error = error as? HypervisorError,
      error.kind == .timeout || error.kind == .bootStalled,
      !console.contains(where: { Self.faults.contains($0.kind) })
    else { return nil }
    self.error = error
  }

  /// Why it was given up, where its console is called `console` now.
  func reason(console: String) -> String {
    guard let finding = error.finding else { return error.problem }
    let place = "\(console):\(finding.line)"
    return "its kernel stalled before its agent answered (\(place): \(finding.text))"
  }

  /// The error of a second boot that has hung as well.
  ///
  /// - Parameter first: path of the console of the first.
  func error(afterFirst first: String) -> HypervisorError {
    var error = error
    let option = error.kind == .timeout ? "--boot-limit gives it more seconds. " : ""
    let mend = (error.mend.map { "\($0). " } ?? "") + option
    error.mend = "\(mend)It was booted twice, and hung the first time too: see \(first)"
    return error
  }
}

extension Error {
  /// Whether a guest's kernel said while it booted that it makes no progress.
  var isBootStall: Bool { (self as? HypervisorError)?.kind == .bootStalled }
}
